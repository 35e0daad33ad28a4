/* Memory for OpenSSL's allocations before a process forks. Runs in gate, in its
 * set-up.
 * A fork gets a page of its own for each page of its parent to which it writes,
 * even if it only takes a lock or counts a reference. A session writes to 60 of
 * OpenSSL's 6,600 pieces. malloc(3) would spread these 60 over 40 pages, among
 * holes into which the session's own pieces would go. Sorted by size they lie
 * on 18 pages. Each page has blocks of one size. Size class C has SMALLEST << C
 * bytes. The arena doesn't wipe blocks: OpenSSL wipes a secret before it frees
 * it. */
#include "sallyport/tls/arena.h"

#include <openssl/crypto.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tls.h"

#define PAGE 4096u
/* With one certificate OpenSSL 3.0 fills 115 pages, and 3.5 fills 176. */
#define PAGES    256u
#define SMALLEST 16u
#define CLASSES  9u
#define LARGEST  (SMALLEST << (CLASSES - 1))

struct arena_block {
    struct arena_block *next;
};

static _Alignas(PAGE) unsigned char arena[PAGES][PAGE];
static unsigned char arena_class_on[PAGES];
static size_t arena_pages; /* in use */
static struct arena_block *arena_unused[CLASSES];
static bool arena_is_open;

bool arena_has(const void *p)
{
    return (uintptr_t)p - (uintptr_t)arena < sizeof(arena);
}

static unsigned class_of_block(const void *p)
{
    return arena_class_on[((uintptr_t)p - (uintptr_t)arena) / PAGE];
}

static void arena_put(void *p, unsigned c)
{
    struct arena_block *b = p;

    b->next = arena_unused[c];
    arena_unused[c] = b;
}

static void *arena_malloc(size_t size, const char *file, int line)
{
    struct arena_block *b;
    unsigned c = 0;

    (void)file;
    (void)line;
    if (!arena_is_open || size > LARGEST)
        return malloc(size);
    while (SMALLEST << c < size)
        c++;
    if (!arena_unused[c] && arena_pages < PAGES) { /* begin a page */
        for (size_t at = PAGE; at > 0; at -= SMALLEST << c)
            arena_put(&arena[arena_pages][at - (SMALLEST << c)], c);
        arena_class_on[arena_pages++] = (unsigned char)c;
    }
    b = arena_unused[c];
    if (!b) /* the arena is full */
        return malloc(size);
    arena_unused[c] = b->next;
    return b;
}

static void arena_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    if (!arena_has(p))
        free(p);
    else if (arena_is_open)
        arena_put(p, class_of_block(p));
}

static void *arena_realloc(void *old, size_t size, const char *file, int line)
{
    size_t room;
    void *p;

    if (!old)
        return arena_malloc(size, file, line);
    if (!arena_has(old))
        return realloc(old, size);
    room = SMALLEST << class_of_block(old);
    if (size <= room)
        return old;
    p = arena_malloc(size, file, line);
    if (!p)
        return NULL;
    memcpy(p, old, room);
    arena_free(old, file, line);
    return p;
}

bool tls_arena_begin(void)
{
/* AddressSanitizer would miss errors inside the arena. */
#ifdef __SANITIZE_ADDRESS__
    return false;
#endif
    arena_is_open =
        CRYPTO_set_mem_functions(arena_malloc, arena_realloc, arena_free) == 1;
    return arena_is_open;
}

void tls_arena_end(void)
{
    arena_is_open = false;
}
