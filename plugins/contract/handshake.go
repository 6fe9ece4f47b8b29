package contract

import "github.com/hashicorp/go-plugin"

const (
	// Version is the version of this contract. A plugin that serves another is
	// refused when it starts.
	Version = 1

	// MessageLimit is the largest message, in bytes, that either side takes.
	// gRPC's own limit of 4 MiB is too small for 28 pictures of 224×224.
	MessageLimit = 64 << 20

	// LifePipe is the descriptor of a pipe that the plugin reads to its end,
	// where it exits at once: the kernel closes the other end when the host is
	// gone, for whatever reason.
	LifePipe = 3

	// DescriptorSocket is a decoder's descriptor of a SOCK_SEQPACKET socket. A
	// message is a ticket, TicketBytes long and big-endian, with one descriptor.
	DescriptorSocket = 4

	// TicketBytes is the length of a message on the descriptor socket.
	TicketBytes = 8

	// LogLevelVariable names the environment variable with the lowest level
	// that the host will log: "debug", "info", "warn" or "error".
	LogLevelVariable = "VSED_PLUGIN_LOG_LEVEL"

	// PrepareVariable is "1" in the environment of a process that is to prepare
	// and not to serve.
	PrepareVariable = "VSED_PREPARE"
)

// The two kinds of plugin, as the names under which go-plugin serves them.
const (
	DecoderKind = "decoder"
	EncoderKind = "encoder"
)

// Progress is a line of a preparation's standard output, as JSON.
type Progress struct {
	Step  string `json:"step"`  // what is being done, for a person
	Done  int    `json:"done"`  // of Total
	Total int    `json:"total"` // 0: not known
}

// Handshake is what host and plugin must agree on before they speak. The cookie
// keeps people from running a plugin by hand; it is no secret.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{
		ProtocolVersion:  Version,
		MagicCookieKey:   "VSED_PLUGIN",
		MagicCookieValue: "4f1c7e0b9a5d4c62b83e6d1f70a2958c",
	}
}
