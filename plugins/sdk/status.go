package sdk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// verdict is an error with the status code that the contract gives it.
type verdict struct {
	code codes.Code
	err  error
}

func (v *verdict) Error() string { return v.err.Error() }
func (v *verdict) Unwrap() error { return v.err }

// Rejected is a verdict on the input: it is damaged or not what it claims to be.
// The text says why, for a person. Takes %w.
func Rejected(format string, arguments ...any) error {
	return &verdict{codes.InvalidArgument, fmt.Errorf(format, arguments...)}
}

// TooLarge is a verdict on the input: it exceeds a limit of the plugin.
func TooLarge(format string, arguments ...any) error {
	return &verdict{codes.ResourceExhausted, fmt.Errorf(format, arguments...)}
}

// Setup says that the plugin cannot work as it is set up; the text names the
// remedy.
func Setup(format string, arguments ...any) error {
	return &verdict{codes.FailedPrecondition, fmt.Errorf(format, arguments...)}
}

// statusOf gives an error the code under which it goes to the host.
func statusOf(err error) error {
	if err == nil {
		return nil
	}
	var v *verdict
	if errors.As(err, &v) {
		return status.Error(v.code, err.Error())
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	switch {
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, err.Error())
	case errors.Is(err, errors.ErrUnsupported):
		return status.Error(codes.Unimplemented, err.Error())
	}
	return status.Error(codes.Internal, err.Error())
}

// guard turns errors into statuses, and a panic of one call into its error.
// First of all it calls prepare.
func guard(log *slog.Logger, prepare func()) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (reply any, err error) {
		prepare()
		defer func() {
			if cause := recover(); cause != nil {
				log.Error("panic in a call", "call", info.FullMethod, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
				reply, err = nil, status.Errorf(codes.Internal, "panic: %v", cause)
			}
		}()
		reply, err = handler(ctx, request)
		return reply, statusOf(err)
	}
}
