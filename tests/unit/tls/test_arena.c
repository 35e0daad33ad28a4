/* Tests where OpenSSL's objects lie, through OpenSSL's own functions. */
#include <openssl/crypto.h>

#include "fixture.h"
#include "sallyport/tls/arena.h"
#include "tls/tls.h"

#ifndef __SANITIZE_ADDRESS__ /* AddressSanitizer's malloc() serves OpenSSL */
#define PAGE 4096u
#define LOCK 56u /* the size of a lock in OpenSSL */

static uintptr_t page_of(const void *p)
{
    return (uintptr_t)p / PAGE;
}

static void expect_bytes(const char *p, size_t n, char byte)
{
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(p[i], byte, "byte %zu of %zu", i, n);
}

Test(arena, one_size_lies_together)
{
    char *lock[PAGE / 64], *other, *large;

    cr_assert(tls_arena_begin());
    for (size_t i = 0; i < PAGE / 64; i++) {
        lock[i] = OPENSSL_malloc(LOCK);
        other = OPENSSL_malloc(24);
        cr_assert(arena_has(lock[i]) && arena_has(other));
        cr_expect_eq(page_of(lock[i]), page_of(lock[0]));
        memset(lock[i], (int)i, LOCK);
        memset(other, 'o', 24);
    }
    for (size_t i = 0; i < PAGE / 64; i++)
        expect_bytes(lock[i], LOCK, (char)i);
    large = OPENSSL_malloc(PAGE + 1);
    cr_expect_not(arena_has(large));
    OPENSSL_free(large);
    tls_arena_end();
}

Test(arena, one_that_grows_keeps_its_bytes)
{
    char *p = NULL;

    cr_assert(tls_arena_begin());
    for (size_t n = 1; n < 3 * PAGE; n += n / 2 + 1) {
        p = OPENSSL_realloc(p, n);
        cr_assert_not_null(p);
        expect_bytes(p, n / 2, 'b');
        memset(p, 'b', n);
    }
    cr_expect_not(arena_has(p));
    OPENSSL_free(p);
    tls_arena_end();
}

static bool has_room(void)
{
    bool room = true;

    for (size_t n = 16; n <= PAGE; n *= 2) {
        void *p = OPENSSL_malloc(n);

        room = room && arena_has(p);
        OPENSSL_free(p);
    }
    return room;
}

/* Loads certificates again and again. */
Test(arena, what_is_freed_is_used_again, .timeout = 60)
{
    cr_assert(tls_arena_begin());
    for (size_t i = 0; i < 50; i++)
        tls_context_free(context_make());
    cr_expect(has_room());
    tls_arena_end();
}

Test(arena, beyond_its_end_malloc_serves)
{
    static char *p[1024];

    cr_assert(tls_arena_begin());
    for (size_t i = 0; i < 1024; i++) {
        p[i] = OPENSSL_malloc(2048);
        cr_assert_not_null(p[i]);
        memset(p[i], (int)i, 2048);
    }
    cr_expect(arena_has(p[0]));
    cr_expect_not(arena_has(p[1023]));
    cr_expect_not(has_room());
    for (size_t i = 0; i < 1024; i++) {
        expect_bytes(p[i], 2048, (char)i);
        OPENSSL_free(p[i]);
    }
    tls_arena_end();
}

/* After tls_arena_end(), no call writes to the arena: a session that frees an
 * object gets no copy of the page. */
Test(arena, after_its_end_nothing_in_it_changes)
{
    char *p, *q, *grown;

    cr_assert(tls_arena_begin());
    p = OPENSSL_malloc(LOCK);
    q = OPENSSL_malloc(LOCK);
    memset(p, 'p', LOCK);
    memset(q, 'q', LOCK);
    tls_arena_end();
    OPENSSL_free(p);
    expect_bytes(p, LOCK, 'p');
    grown = OPENSSL_realloc(q, PAGE);
    cr_expect_not(arena_has(grown));
    expect_bytes(grown, LOCK, 'q');
    expect_bytes(q, LOCK, 'q');
    OPENSSL_free(grown);
    p = OPENSSL_malloc(LOCK);
    cr_expect_not(arena_has(p));
    OPENSSL_free(p);
}

Test(arena, secrets_are_wiped)
{
    char *p;

    cr_assert(tls_arena_begin());
    p = OPENSSL_malloc(LOCK);
    memset(p, 's', LOCK);
    OPENSSL_clear_free(p, LOCK);
    expect_bytes(p + sizeof(void *), LOCK - sizeof(void *), 0);
    tls_arena_end();
}

Test(arena, too_late)
{
    void *p = OPENSSL_malloc(LOCK);

    cr_expect_not(tls_arena_begin());
    OPENSSL_free(p);
    p = OPENSSL_malloc(LOCK);
    cr_expect_not(arena_has(p));
    OPENSSL_free(p);
}
#endif
