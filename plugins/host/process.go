package host

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"vsed/plugins/contract"
)

const (
	defaultStartTimeout = time.Minute

	// socketPathLimit is the kernel's, and socketPathRoom what go-plugin adds to
	// the runtime folder.
	socketPathLimit = 107
	socketPathRoom  = 40
)

// Process is one running plugin without any supervision, which EncoderHost and
// DecoderHost add; the conformance suite works on it directly.
type Process struct {
	command Command
	log     *slog.Logger
	output  *output
	runner  *processRunner
	exited  chan struct{} // closed when the process has been reaped and its output read

	lifePipe    *os.File // the write end, held open for as long as the plugin may live
	descriptors *os.File // decoders only
	folder      string
	address     net.Addr
	connection  *grpc.ClientConn
	release     sync.Once

	childEnds []*os.File // of pipe and socket, closed here once the plugin has its own

	mutex  sync.Mutex
	child  *os.Process // nil until it runs
	doomed bool        // to be killed as soon as it runs
	killed bool        // by this host, while it was running
}

// Launch starts a plugin and waits until it is healthy, within StartTimeout. The
// error is an *UnavailableError, or ctx's own. The caller must Kill the process.
func Launch(ctx context.Context, command Command, log *slog.Logger) (*Process, error) {
	command.StartTimeout = orDefault(command.StartTimeout, defaultStartTimeout)
	log = log.With("plugin", command.Name)
	process := &Process{command: command, log: log, output: newOutput(log), exited: make(chan struct{})}
	starting, cancel := context.WithTimeout(ctx, command.StartTimeout)
	defer cancel()
	err := process.start(starting)
	if err == nil {
		log.Debug("plugin started", "pid", process.ID())
		return process, nil
	}
	explained := process.explain(starting, err)
	process.Kill()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, explained
}

// start may be cut short by ctx, which go-plugin's start does not heed: then the
// process is killed under it.
func (p *Process) start(ctx context.Context) error {
	stop := context.AfterFunc(ctx, p.signalKill)
	defer stop()
	if err := p.openChannels(); err != nil {
		return err
	}
	address, err := plugin.NewClient(p.clientConfig()).Start()
	p.closeChildEnds()
	if err != nil {
		return err
	}
	p.address = address
	if p.connection, err = p.Connect(); err != nil {
		return err
	}
	if err := p.Health(ctx); err != nil {
		return err
	}
	if !stop() {
		return ctx.Err()
	}
	return nil
}

// openChannels makes the pipe and socket that the plugin is started with.
func (p *Process) openChannels() error {
	if directory := p.command.RuntimeDir; directory != "" {
		if len(directory)+socketPathRoom > socketPathLimit {
			return fmt.Errorf("the runtime folder's path %s is longer than %d bytes, too long for a socket; use a shorter one", directory, socketPathLimit-socketPathRoom)
		}
		if err := os.MkdirAll(directory, 0o700); err != nil {
			return fmt.Errorf("create the runtime folder: %w", err)
		}
	}
	pluginEnd, hostEnd, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("create the life pipe: %w", err)
	}
	p.childEnds, p.lifePipe = []*os.File{pluginEnd}, hostEnd
	if p.command.Kind != Decoder {
		return nil
	}
	hostEnd, pluginEnd, err = descriptorSocket()
	if err != nil {
		return err
	}
	p.childEnds, p.descriptors = append(p.childEnds, pluginEnd), hostEnd
	return nil
}

func (p *Process) closeChildEnds() {
	for _, file := range p.childEnds {
		file.Close()
	}
	p.childEnds = nil
}

func (p *Process) clientConfig() *plugin.ClientConfig {
	return &plugin.ClientConfig{
		HandshakeConfig:  contract.Handshake(),
		VersionedPlugins: map[int]plugin.PluginSet{contract.Version: {string(p.command.Kind): &plugin.NetRPCUnsupportedPlugin{}}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		StartTimeout:     2 * p.command.StartTimeout, // never first: the start's own deadline says why it kills
		Logger:           hclog.NewNullLogger(),
		SkipHostEnv:      true,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: p.command.RuntimeDir},
		RunnerFunc:       p.newRunner,
	}
}

// newRunner is called by go-plugin with a fresh folder for the socket and the
// variables of its handshake.
func (p *Process) newRunner(_ hclog.Logger, template *exec.Cmd, folder string) (runner.Runner, error) {
	p.folder = folder
	command := exec.Command(p.command.Path, p.command.Args...)
	command.Env = append(p.environment(folder), template.Env...)
	command.ExtraFiles = p.childEnds
	p.runner = newProcessRunner(p, command, folder)
	return p.runner, nil
}

// environment is minimal: nothing of the host's leaks into a plugin unasked, such
// as NOTIFY_SOCKET or a token.
func (p *Process) environment(folder string) []string {
	environment := []string{"LANG=C.UTF-8", "PATH=" + os.Getenv("PATH"), "TMPDIR=" + folder,
		contract.LogLevelVariable + "=" + lowestLevel(p.log)}
	if zone, ok := os.LookupEnv("TZ"); ok {
		environment = append(environment, "TZ="+zone)
	}
	return append(environment, p.command.Env...)
}

func lowestLevel(log *slog.Logger) string {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn} {
		if log.Enabled(context.Background(), level) {
			return level.String()
		}
	}
	return slog.LevelError.String()
}

func (p *Process) started(child *os.Process) {
	p.mutex.Lock()
	p.child = child
	doomed := p.doomed
	p.mutex.Unlock()
	if doomed {
		p.signalKill()
	}
}

// ID returns the process id; 0 where it never ran.
func (p *Process) ID() int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.child == nil {
		return 0
	}
	return p.child.Pid
}

// Exited is closed when the process has ended and its last words have been read.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Connection is where the plugin's gRPC services answer.
func (p *Process) Connection() grpc.ClientConnInterface { return p.connection }

// CloseLifePipe makes the plugin believe that its host is gone.
func (p *Process) CloseLifePipe() error { return p.lifePipe.Close() }

// signalKill kills the process and what it started, without waiting.
func (p *Process) signalKill() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.doomed = true
	if p.child == nil || p.hasExited() {
		return
	}
	p.killed = true
	_ = syscall.Kill(-p.child.Pid, syscall.SIGKILL)
	_ = p.child.Kill()
}

// wasKilled reports whether the host ended the process, and not the process itself.
func (p *Process) wasKilled() bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.killed
}

// Kill ends the process, waits for its end and frees all that belonged to it.
// May be called several times and from several goroutines.
func (p *Process) Kill() {
	p.signalKill()
	p.release.Do(p.free)
}

func (p *Process) free() {
	if p.ID() != 0 {
		<-p.exited
	}
	if p.connection != nil {
		p.connection.Close()
	}
	p.closeChildEnds()
	for _, file := range []*os.File{p.lifePipe, p.descriptors} {
		if file != nil {
			file.Close()
		}
	}
	if p.folder != "" {
		_ = os.RemoveAll(p.folder)
	}
}
