package server

import (
	"context"
	"net"

	"golang.org/x/sys/unix"
)

type peerKey struct{}

// withPeer notes in a connection's context who is at the other end, as the
// kernel tells it. It is for the log: who may connect at all, the mode of the
// socket decides.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return ctx
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return ctx
	}
	var peer *unix.Ucred
	_ = raw.Control(func(fd uintptr) {
		peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err != nil || peer == nil {
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, peer)
}

// peerUID gives the user at the other end, -1 where it is not known.
func peerUID(ctx context.Context) int64 {
	if peer, ok := ctx.Value(peerKey{}).(*unix.Ucred); ok {
		return int64(peer.Uid)
	}
	return -1
}
