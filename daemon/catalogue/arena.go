package catalogue

/*
#include <malloc.h>

static void one_arena(void) {
#ifdef __GLIBC__
	mallopt(M_ARENA_MAX, 1);
#endif
}
*/
import "C"

// oneArena has all threads of the process take C's memory from one place. Go
// moves SQLite's calls from thread to thread, and glibc gives each an arena of
// its own, whose free pieces the others do not use: 12 arenas held 26 MB for
// page caches of 7.
func oneArena() { C.one_arena() }
