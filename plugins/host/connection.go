package host

import (
	"context"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"vsed/plugins/contract"
)

const (
	// socketBuffer and window fit a batch of pictures, so that it does not stop
	// for the receiver's leave several times on its way.
	socketBuffer = 256 << 10
	window       = 4 << 20

	// exitPatience is how long a broken connection waits for the news that the
	// process has ended.
	exitPatience = time.Second
)

// Connect prepares a connection beside the one that every process has; it is made
// with the first call. The caller closes it. The socket lies in a folder that only
// this user may enter: no further credentials.
func (p *Process) Connect() (*grpc.ClientConn, error) {
	var dialer net.Dialer
	return grpc.NewClient("passthrough:///plugin",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, p.address.Network(), p.address.String())
		}),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(contract.MessageLimit),
			grpc.MaxCallSendMsgSize(contract.MessageLimit)),
		grpc.WithDisableServiceConfig(),
		grpc.WithIdleTimeout(0),
		grpc.WithReadBufferSize(socketBuffer),
		grpc.WithWriteBufferSize(socketBuffer),
		grpc.WithInitialWindowSize(window),
		grpc.WithInitialConnWindowSize(window))
}

// Health asks whether the plugin answers at all.
func (p *Process) Health(ctx context.Context) error {
	client := grpc_health_v1.NewHealthClient(p.connection)
	reply, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "plugin"})
	if err != nil {
		return fmt.Errorf("ask for its health: %w", err)
	}
	if reply.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("it says that it is %s", reply.GetStatus())
	}
	return nil
}

// waitABit waits for the process's end for as long as is sensible after a sign
// of it, and reports whether it has ended.
func (p *Process) waitABit(ctx context.Context) bool {
	if p.ID() == 0 {
		return false
	}
	patience := time.NewTimer(exitPatience)
	defer patience.Stop()
	select {
	case <-p.exited:
		return true
	case <-patience.C:
	case <-ctx.Done():
	}
	return p.hasExited()
}
