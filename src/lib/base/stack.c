/* Wipes the stack below a frame. Runs in sessions and files, and in each
 * process when it has entered its sandbox. */
#include "sallyport/base/stack.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE    4096u
#define FRAMES  512u         /* of stack_wipe_below() and madvise(2) */
#define NEAR    (4 * PAGE)   /* also all registers of a CPU with AMX: 11 KiB */
#define DEEPEST (512u << 10) /* no process uses so much */

__attribute__((noinline)) static void wipe_near(void)
{
    char frame[NEAR];

    explicit_bzero(frame, sizeof(frame));
}

/* Gives the farther pages back instead of writing to them: most were never
 * used. The nearest ones have the frames of this call. */
__attribute__((noinline)) void stack_wipe_below(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    uintptr_t end = (here - FRAMES) & ~(uintptr_t)(PAGE - 1);

    wipe_near();
    madvise((void *)(end - DEEPEST), DEEPEST, MADV_DONTNEED);
}
