/* The handler of SIGBUS: maps a page of zeros over the fault, and sets a flag.
 * Works inside the sandbox, which permits mmap(2) without execution. */
#include "sigbus.h"

#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

#define PAGE 4096u

static struct {
    volatile uintptr_t start;
    volatile size_t len;
    volatile sig_atomic_t hit;
} watch;

static void sigbus_on_signal(int number, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)info->si_addr;
    void *page = (char *)info->si_addr - at % PAGE;

    (void)context;
    if (at - watch.start < watch.len &&
        mmap(page, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
             0) != MAP_FAILED) {
        watch.hit = 1;
        return;
    }
    signal(number,
           SIG_DFL); /* the instruction faults again, and the signal kills */
}

void sigbus_init(void)
{
    struct sigaction action = { .sa_sigaction = sigbus_on_signal,
                                .sa_flags = SA_SIGINFO | SA_NODEFER };

    sigaction(SIGBUS, &action, NULL);
}

void sigbus_watch(const void *start, size_t len)
{
    watch.len = 0;
    watch.hit = 0;
    watch.start = (uintptr_t)start;
    watch.len = len;
}

bool sigbus_hit(void)
{
    return watch.hit != 0;
}
