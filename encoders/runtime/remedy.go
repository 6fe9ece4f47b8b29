package runtime

import (
	"slices"
	"strings"
)

// remedies say by platform how to get an ONNX Runtime with a GPU. docs/providers.md
// has the details and where each is known from.
var remedies = map[string]string{
	"x86": "take libonnxruntime.so.* and libonnxruntime_providers_*.so out of the PyPI wheel onnxruntime-gpu (1.31.1: CUDA 13, cuDNN 9, TensorRT 10), " +
		"install those libraries from NVIDIA, and name the first file with encoder.onnxruntime_library",
	"jetpack 6": "take libonnxruntime.so.* and libonnxruntime_providers_*.so out of an ONNX Runtime wheel built for JetPack 6 (CUDA 12.6, cuDNN 9; 1.23 or newer), " +
		"and name the first file with encoder.onnxruntime_library",
	"jetpack 7": "no build by Microsoft or NVIDIA with TensorRT is known for JetPack 7: build ONNX Runtime with --use_tensorrt --build_shared_lib, " +
		"and name the library with encoder.onnxruntime_library",
}

// remedy is one line on how to get a GPU to work here.
func remedy(platform string) string {
	text, found := remedies[platform]
	if !found {
		text = "no build of ONNX Runtime with TensorRT is known for this platform"
	}
	return text + "; see docs/providers.md"
}

// products names what the missing libraries come with: "CUDA 13", "cuDNN 9".
func products(missing []string) []string {
	var names []string
	for _, file := range missing {
		if name := product(file); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func product(file string) string {
	base, version, _ := strings.Cut(file, ".so.")
	switch base {
	case "libcuda":
		return "NVIDIA's driver"
	case "libcudart", "libcublas", "libcublasLt":
		return "CUDA " + version
	case "libcufft", "libcurand", "libnvrtc", "libcusparse", "libcusolver":
		return "CUDA's " + file
	case "libcudnn":
		return "cuDNN " + version
	case "libnvinfer", "libnvinfer_plugin", "libnvonnxparser":
		return "TensorRT " + version
	}
	return file
}
