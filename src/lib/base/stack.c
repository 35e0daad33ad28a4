/* Wipes the stack below a frame. Runs in sessions and files, and in each
 * process when it has entered its sandbox. */
#include "sallyport/base/stack.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_USUAL 4096u
#define PAGE_MOST  (64u << 10)  /* the largest page of any kernel */
#define FRAMES     512u         /* stack of stack_wipe_below() and madvise(2) */
#define DEEPEST    (512u << 10) /* no process uses more */

/* Wipes as much stack below this frame as can lie above the next page, and no
 * more: each fresh page to which it writes costs a login 2 us. */
__attribute__((noinline)) static void wipe_near(void)
{
    char frame[PAGE_USUAL + FRAMES];

    explicit_bzero(frame, sizeof(frame));
}

/* Does the same on machines with larger pages, where the nearest page begins
 * farther away. */
__attribute__((noinline)) static void wipe_near_large_pages(void)
{
    char frame[PAGE_MOST + FRAMES];

    explicit_bzero(frame, sizeof(frame));
}

/* Wipes the nearest bytes, and gives the farther pages back to the kernel
 * instead of writing to them, since most were never used. It can't give back
 * the nearest pages, which contain the frames of this call. */
__attribute__((noinline)) void stack_wipe_below(void)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    uintptr_t end = (here - FRAMES) & ~(page - 1);

    if (page > PAGE_USUAL)
        wipe_near_large_pages();
    else
        wipe_near();
    madvise((void *)(end - DEEPEST), DEEPEST, MADV_DONTNEED);
}
