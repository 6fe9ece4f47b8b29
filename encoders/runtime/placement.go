package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	ort "github.com/yalue/onnxruntime_go"
)

// Placement says where the operators of a model really ran: by provider, then by
// operator.
type Placement map[string]map[string]Work

// Work is what the nodes of one operator did on one provider.
type Work struct {
	Nodes int           `json:"nodes"` // different nodes of the graph
	Runs  int           `json:"runs"`
	Time  time.Duration `json:"time"` // on the clock of the CPU, waiting for a GPU left out
}

// maximumProfile bounds a profile, which takes about 600 bytes a node and run.
const maximumProfile = 64 << 20

// profileInto makes sessions write a profile into a folder; "" makes none.
func (l *Library) profileInto(options *ort.SessionOptions, folder string) error {
	if folder == "" {
		return nil
	}
	pointer := handle(options, "o")
	if pointer == nil {
		return errors.New("the binding's session options are not as they were")
	}
	return l.api.enableProfiling(pointer, filepath.Join(folder, "profile"))
}

func (s *Session) removeProfile() error {
	if s.profile == "" {
		return nil
	}
	return os.RemoveAll(s.profile)
}

// Placement ends the profile of a session that was opened with Options.Profile and
// reads it; it works once, after at least one run and with none under way.
func (s *Session) Placement() (Placement, error) {
	if s.profile == "" {
		return nil, errors.New("the session keeps no profile")
	}
	defer func() { s.profile = "" }()
	placement, err := s.readProfile()
	return placement, errors.Join(err, s.removeProfile())
}

func (s *Session) readProfile() (Placement, error) {
	pointer := handle(s.session, "s", "ortSession")
	if pointer == nil {
		return nil, errors.New("the binding's session is not as it was")
	}
	path, err := s.api.endProfiling(pointer)
	if err != nil {
		return nil, fmt.Errorf("end profile: %w", err)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	defer file.Close()
	return ParseProfile(file)
}

// event is what is read of one entry of a profile: a node's kernel has a name
// that ends in "_kernel_time", a provider and an operator.
type event struct {
	Category string `json:"cat"`
	Name     string `json:"name"`
	Duration int64  `json:"dur"` // microseconds
	Detail   struct {
		Provider string `json:"provider"`
		Operator string `json:"op_name"`
	} `json:"args"`
}

// kernel ends the names of events that stand for a node's own work.
const kernel = "_kernel_time"

// ParseProfile reads a profile of ONNX Runtime: a JSON list of trace events, of
// which those that are no node's are passed over. A profile in which no node ran,
// and one that is cut off or too large, is an error.
func ParseProfile(profile io.Reader) (Placement, error) {
	return parseProfile(&io.LimitedReader{R: profile, N: maximumProfile})
}

func parseProfile(limited *io.LimitedReader) (Placement, error) {
	decoder := json.NewDecoder(limited)
	if token, err := decoder.Token(); err != nil || token != json.Delim('[') {
		return nil, errors.New("profile is not a list of events")
	}
	placement := Placement{}
	seen := map[string]bool{}
	for decoder.More() {
		var each event
		if err := decoder.Decode(&each); err != nil {
			return nil, profileError(limited, err)
		}
		placement.add(each, seen)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, profileError(limited, err)
	}
	if len(placement) == 0 {
		return nil, errors.New("profile has no node that ran")
	}
	return placement, nil
}

func profileError(limited *io.LimitedReader, err error) error {
	if limited.N <= 0 {
		return errors.New("profile is larger than is read")
	}
	return fmt.Errorf("read profile: %w", err)
}

func (p Placement) add(each event, seen map[string]bool) {
	name, found := strings.CutSuffix(each.Name, kernel)
	if !found || each.Category != "Node" || each.Detail.Provider == "" || each.Duration < 0 {
		return
	}
	provider := shortName(each.Detail.Provider)
	if p[provider] == nil {
		p[provider] = map[string]Work{}
	}
	work := p[provider][each.Detail.Operator]
	if key := provider + "\x00" + name; !seen[key] {
		seen[key] = true
		work.Nodes++
	}
	work.Runs++
	work.Time += time.Duration(each.Duration) * time.Microsecond
	p[provider][each.Detail.Operator] = work
}

// Provider is where the heavy operators ran: of the providers that ran any, the
// one on which they took longest; without any, the one that took longest in all.
func (p Placement) Provider() string {
	best, longest := "", time.Duration(-1)
	for _, weighed := range []func(string) bool{heavy, func(string) bool { return true }} {
		for _, provider := range slices.Sorted(maps.Keys(p)) {
			if took, ran := p.took(provider, weighed); ran && took > longest {
				best, longest = provider, took
			}
		}
		if best != "" {
			break
		}
	}
	return best
}

// took is the time of the operators that weighed picks, and whether any ran.
func (p Placement) took(provider string, weighed func(string) bool) (took time.Duration, ran bool) {
	for operator, work := range p[provider] {
		if weighed(operator) || provider == "tensorrt" {
			took, ran = took+work.Time, true
		}
	}
	return took, ran
}

// FallbackError says that operators which a GPU is there for ran on the CPU.
type FallbackError struct {
	Asked     string         // the provider that was asked for
	Operators map[string]int // nodes by operator
}

func (e *FallbackError) Error() string {
	var words []string
	for _, operator := range slices.Sorted(maps.Keys(e.Operators)) {
		words = append(words, fmt.Sprintf("%d %s", e.Operators[operator], operator))
	}
	return fmt.Sprintf("%s was asked for, but %s ran on the CPU: allow it, or choose cpu", e.Asked, strings.Join(words, ", "))
}

// Judge reports a *FallbackError if a GPU was asked for and a convolution or a
// matrix product ran on the CPU all the same. Shape arithmetic, which CUDA leaves
// to the CPU on purpose, is no fault.
func (p Placement) Judge(asked string) error {
	if asked == "" || asked == "cpu" {
		return nil
	}
	found := map[string]int{}
	for operator, work := range p["cpu"] {
		if heavy(operator) {
			found[operator] = work.Nodes
		}
	}
	if len(found) == 0 {
		return nil
	}
	return &FallbackError{Asked: asked, Operators: found}
}

// heavy reports whether an operator's work grows as a convolution's or a matrix
// product's does. ONNX Runtime's fused and quantised kinds have these words in
// their names: FusedConv, QLinearConv, ConvInteger, FusedMatMul, QGemm, MatMulNBits,
// DynamicQuantizeMatMul, MultiHeadAttention, QAttention, …
func heavy(operator string) bool {
	for _, word := range []string{"Conv", "MatMul", "Gemm", "Attention", "Einsum", "LSTM", "GRU"} {
		if strings.Contains(operator, word) {
			return true
		}
	}
	return operator == "RNN" || operator == "MoE" || operator == "QMoE" || operator == "DeformConv"
}
