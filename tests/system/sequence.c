#include "sequence.h"

#include "model/player.h"
#include "sallyport/base/clock.h"
#include "sallyport/base/random.h"
#include "support/fail.h"
#include "support/test.h"

#define SHRINK_MS 60000

uint64_t sequence_seed(uint64_t fixed)
{
    const char *given = getenv("SALLYPORT_SEED");
    static uint64_t number;
    uint64_t seed;

    if (given)
        return strtoull(given, NULL, 10);
    random_bytes(&seed, sizeof(seed));
    return number < fixed ? ++number : seed;
}

/* Chooses an address that no earlier case had, so that passive ports that
 * earlier cases left unused don't matter. */
static void choose_address(char out[64])
{
    static unsigned number;

    number++;
    snprintf(out, 64, "127.%u.%u.%u", 1 + number / 62500 % 200,
             number / 250 % 250, 1 + number % 250);
}

void sequence_start(const struct sequence *s, struct running *r)
{
    char from[64];

    choose_address(from);
    disk_clear(server_home(s->server, s->user));
    *r = (struct running){ .path = "a player", .out = memfd_create("out", 0) };
    cr_assert(r->out >= 0);
    r->pid = fork();
    cr_assert(r->pid >= 0);
    if (r->pid > 0)
        return;
    fail_in_child();
    dup2(r->out, STDERR_FILENO);
    s->kind->play(s, from);
    _exit(0);
}

static size_t count_of(const struct sequence *s)
{
    return *(size_t *)(void *)((char *)s->steps + s->kind->count);
}

/* Plays the sequence without the COUNT steps after FROM. If it still fails,
 * keeps the shorter sequence and its result. */
static void try_without(const struct sequence *s, size_t from, size_t count,
                        struct run_result *last)
{
    struct sequence shorter = *s;
    struct run_result result;
    struct running r;

    shorter.steps = malloc(s->kind->size);
    FAIL_IF(!shorter.steps, "no memory");
    memcpy(shorter.steps, s->steps, s->kind->size);
    s->kind->drop(shorter.steps, from,
                  from + count < count_of(s) ? from + count : count_of(s));
    sequence_start(&shorter, &r);
    run_finish(&r, &result);
    if (result.status != 0) {
        memcpy(s->steps, shorter.steps, s->kind->size);
        run_release(last);
        *last = result;
    } else {
        run_release(&result);
    }
    free(shorter.steps);
}

/* Tries to remove halves, then quarters, at last single steps, beginning at the
 * end. */
static void shrink(const struct sequence *s, struct run_result *last)
{
    uint64_t end = clock_ms() + SHRINK_MS;

    for (size_t count = count_of(s) / 2; count > 0; count /= 2)
        for (size_t at = count_of(s); at > 0 && clock_ms() < end;) {
            at = at > count ? at - count : 0;
            if (at < count_of(s))
                try_without(s, at, count, last);
        }
}

void sequence_explain(const struct sequence *s, uint64_t seed,
                      struct run_result *last)
{
    struct buf text;

    shrink(s, last);
    buf_init(&text, 1 << 20);
    for (size_t i = 0; i < count_of(s); i++) {
        buf_add_format(&text, "\n%4zu  ", i);
        s->kind->show(s->steps, i, &text);
    }
    fprintf(stderr,
            "SALLYPORT_SEED=%llu plays it again. In short:%.*s\n%s(status "
            "%d)\n",
            (unsigned long long)seed, (int)text.len, text.data, last->text,
            last->status);
    buf_release(&text);
}
