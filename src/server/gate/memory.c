/* Gate's memory that a fork doesn't inherit. Runs in gate only. If code in a
 * forked child touches this memory, the child dies of SIGSEGV, on purpose. The
 * memory that gates of several generations share is mapped before the sandbox
 * closes, and no core dump contains it. */
#include "memory.h"

#include <string.h>
#include <sys/mman.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/shared.h"
#include "sallyport/domain/limits.h"

size_t table_buckets(size_t n)
{
    size_t buckets = 1;

    while (buckets < n)
        buckets *= 2;
    return buckets;
}

/* AddressSanitizer would complain, since it guards the space between the
 * variables of each frame. */
__attribute__((noinline, no_sanitize("address"))) void
stack_wipe_above(void *frame, void *top)
{
    for (volatile char *at = frame; at < (volatile char *)top; at++)
        *at = 0;
}

_Static_assert(sizeof(struct memory) <= GATE_MEMORY, "it doesn't fit");

int memory_map(struct memory **ret, int fd)
{
    int r = SHARED_MAP(*ret, fd, PROT_READ | PROT_WRITE);
    struct memory *m = *ret;

    if (r < 0)
        return r;
    if (m->made)
        return 0;
    fruitless_init(&m->fruitless);
    random_bytes(&m->tickets.keys, sizeof(m->tickets.keys));
    m->tickets.turned = clock_ms();
    m->made = true;
    return 0;
}

uint64_t tickets_turn(const struct ticket_memory *t)
{
    return __atomic_load_n(&t->turn, __ATOMIC_ACQUIRE);
}

bool tickets_read(const struct ticket_memory *t, struct ticket_keys *ret)
{
    uint64_t turn = tickets_turn(t);

    *ret = t->keys;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return turn % 2 == 0 && tickets_turn(t) == turn;
}

uint64_t tickets_renew(struct ticket_memory *t, uint64_t lifetime, uint64_t now)
{
    uint64_t due = t->turned <= now ? t->turned + lifetime : now, odd;
    struct ticket_keys k;
    bool whole = tickets_read(t, &k);

    if (whole && due > now) {
        explicit_bzero(&k, sizeof(k));
        return due - now;
    }
    if (whole)
        ticket_keys_turn(&k);
    else
        random_bytes(&k, sizeof(k));
    odd = t->turn | 1;
    __atomic_store_n(&t->turn, odd, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    t->keys = k;
    t->turned = now;
    __atomic_store_n(&t->turn, odd + 1, __ATOMIC_RELEASE);
    explicit_bzero(&k, sizeof(k));
    return lifetime;
}
