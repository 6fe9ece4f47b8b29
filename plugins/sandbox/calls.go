package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// allowedCalls is what Go's runtime, the C library's threads and allocator, and reading
// a descriptor need. Names that an architecture lacks are left out there.
//
// Making memory executable is among them (mmap, mprotect): libvips before 8.15
// compiles its resampling loops while it runs, and is 3 % slower without.
var allowedCalls = []string{
	// Descriptors that are open.
	"read", "readv", "pread64", "preadv", "write", "writev", "pwrite64", "close", "lseek",
	"fstat", "newfstatat", "dup", "dup3", "poll", "ppoll", "pselect6",
	"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2", "pipe2",
	// Memory.
	"brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "mincore", "membarrier", "getrandom",
	// Threads of this process; clone itself has a condition.
	"futex", "futex_waitv", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "arch_prctl",
	"sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_get_priority_min",
	"sched_get_priority_max", "getpid", "gettid", "getppid", "exit", "exit_group", "restart_syscall",
	// Signals to itself; tgkill has a condition.
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "sigaltstack",
	// Time and what the process has used.
	"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
	"getrusage", "times", "sysinfo", "uname", "getcpu", "getuid", "geteuid", "getgid", "getegid",
	"timer_create", "timer_settime", "timer_delete", "setitimer",
}

// socketCalls is what gRPC needs over sockets that are open; new ones come from accept
// only.
var socketCalls = []string{
	"accept4", "recvfrom", "recvmsg", "sendto", "sendmsg", "getsockname", "getpeername",
	"getsockopt", "setsockopt", "shutdown",
}

// descriptorCommands are those of fcntl. One of the others, F_SETOWN, has the kernel signal
// any process of the user when a pipe has something to read, by F_SETSIG with SIGKILL.
var descriptorCommands = []uint64{
	unix.F_DUPFD, unix.F_DUPFD_CLOEXEC, unix.F_GETFD, unix.F_SETFD, unix.F_GETFL, unix.F_SETFL, unix.F_GET_SEALS,
}

// fileCalls is what files by their names need. Which ones, Landlock says. That they are
// linked, or that their rights change, is not among it.
var fileCalls = []string{
	"open", "openat", "openat2", "stat", "lstat", "statx", "access", "faccessat", "faccessat2", "getcwd", "getdents64",
	"mkdirat", "unlinkat", "renameat", "renameat2", "ftruncate", "fallocate", "fadvise64", "copy_file_range", "fsync", "fdatasync",
}

// filterCalls loads the filter for all threads.
func filterCalls(needs Needs) error {
	machine, err := arch.GetInfo("")
	if err != nil {
		return fmt.Errorf("%w: %w", unix.ENOSYS, err)
	}
	runtime.LockOSThread() // the filter needs this thread's no_new_privs
	defer runtime.UnlockOSThread()
	err = seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: policy(machine, needs)})
	if err != nil {
		return err
	}
	return filterHolds()
}

func policy(machine *arch.Info, needs Needs) seccomp.Policy {
	calls := slices.Clone(allowedCalls)
	var noLinks []string
	if needs.Sockets || needs.Listen != "" {
		calls = append(calls, socketCalls...)
	}
	if needs.files() {
		calls = append(calls, fileCalls...)
		noLinks = known(machine, []string{"readlink", "readlinkat"})
	}
	conditions := []seccomp.NameWithConditions{
		allowWhere("clone", 0, seccomp.BitsSet, unix.CLONE_THREAD),
		allowWhere("tgkill", 0, seccomp.Equal, uint64(os.Getpid())),
		allowWhere("prctl", 0, seccomp.Equal, unix.PR_SET_NAME),
		allowWhere("prctl", 0, seccomp.Equal, unix.PR_SET_VMA), // Go names its memory
	}
	for _, command := range descriptorCommands {
		conditions = append(conditions, allowWhere("fcntl", 1, seccomp.Equal, command))
	}
	if needs.Listen != "" {
		calls = append(calls, "bind", "listen")
		conditions = append(conditions, streamSockets())
	}
	policy := seccomp.Policy{
		DefaultAction: seccomp.ActionErrno, // EPERM
		Syscalls: []seccomp.SyscallGroup{
			// The C library tries clone3 first. Its arguments cannot be seen
			// by a filter, so it "does not exist", and clone follows.
			{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: known(machine, []string{"clone3"})},
			{Action: seccomp.ActionAllow, Names: known(machine, calls)},
			{Action: seccomp.ActionAllow, NamesWithCondtions: conditions},
		},
	}
	if len(noLinks) > 0 {
		// ONNX Runtime asks of each folder above weights in a file of their own whether it is
		// a link, and gives up where it is told nothing. Each "is none".
		policy.Syscalls = append(policy.Syscalls, seccomp.SyscallGroup{Action: seccomp.ActionErrno | seccomp.Action(unix.EINVAL), Names: noLinks})
	}
	return policy
}

func allowWhere(call string, argument uint32, operation seccomp.Operation, value uint64) seccomp.NameWithConditions {
	return seccomp.NameWithConditions{
		Name:       call,
		Conditions: seccomp.ArgumentConditions{{Argument: argument, Operation: operation, Value: value}},
	}
}

// streamSockets allows Unix sockets that can only listen, as connect is not allowed; of
// another kind they would send to anybody. SOCK_STREAM is 1.
func streamSockets() seccomp.NameWithConditions {
	return seccomp.NameWithConditions{Name: "socket", Conditions: seccomp.ArgumentConditions{
		{Argument: 0, Operation: seccomp.Equal, Value: unix.AF_UNIX},
		{Argument: 1, Operation: seccomp.BitsNotSet, Value: 0xf &^ unix.SOCK_STREAM},
	}}
}

func known(machine *arch.Info, calls []string) []string {
	var names []string
	for _, call := range calls {
		if _, ok := machine.SyscallNames[call]; ok {
			names = append(names, call)
		}
	}
	return names
}

// filterHolds makes sure: where one thread cannot take the filter over, the
// kernel loads it for none and says so in a way that package seccomp overlooks. It asks
// by a call that nothing else ever refuses.
func filterHolds() error {
	if _, err := unix.Getpgid(0); err == nil {
		return errors.New("a call that it denies was answered in spite of it")
	}
	return nil
}
