package main

import "vsed/plugins/contract"

// silent is the --fallback that gives no reason.
const silent = "silent"

// runs is the provider that runs.
func (o *options) runs() string {
	if o.fallback != "" {
		return "cpu"
	}
	return o.provider
}

func (o *options) sessions() []*contract.Session {
	reason := o.fallback
	if reason == silent {
		reason = ""
	}
	picture := &contract.Session{Name: "picture", AskedProvider: o.provider, Provider: o.runs(), Precision: "float32", Fallback: reason}
	text := &contract.Session{Name: "text", AskedProvider: "cpu", Provider: "cpu", Precision: "float32"}
	return []*contract.Session{picture, text}
}

// useEngine runs on what was prepared before the start, if anything was.
func (o *options) useEngine() {
	switch {
	case o.engine == "":
	case o.prepared():
		o.provider = "tensorrt"
	default:
		o.wrongEngine = false
	}
}
