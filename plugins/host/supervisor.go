package host

import (
	"context"
	"log/slog"

	"vsed/plugins/contract"
)

type process struct {
	encoder *contract.EncoderDescription
	decoder *contract.DecoderDescription
}

type supervisor struct {
	command Command
	policy  Policy
	log     *slog.Logger
}

func newSupervisor(command Command, policy Policy, log *slog.Logger) *supervisor {
	return &supervisor{command: command, policy: policy.withDefaults(), log: log}
}

func (s *supervisor) running(context.Context) (*process, error) { return nil, ErrClosed }
func (s *supervisor) problemNow() string                        { return "" }
func (s *supervisor) close() error                              { return nil }
