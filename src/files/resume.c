/* Where an upload begins, in the process files. Pure: it opens and asks
 * nothing. A wrong decision would join the halves of two files, so whatever
 * doesn't fit together is refused. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/fd.h"
#include "sallyport/base/siphash.h"

uint64_t resume_length(uint64_t held)
{
    return held == 0 ? 0 : (held - 1) / RESUME_BLOCK * RESUME_BLOCK;
}

static enum outcome resume_plan_of(struct resume_plan *ret, enum resume_how how,
                                   uint64_t first)
{
    ret->how = how;
    ret->first = first;
    return OUTCOME_OK;
}

/* Does the answer of SIZE still hold? The length alone doesn't show it: another
 * session may have started the partial again since. */
static bool resume_stands(const struct resume_facts *f)
{
    return f->told <= f->resumable && f->told_state == f->state;
}

/* The client's offset belongs to the file that it knows: the partial, if SIZE
 * reported it; otherwise the file of that name, or the partial if there is
 * none. If that file is kept, its bytes with the rest of another file would be
 * a third one, which nobody sent. */
static enum outcome resume_decide_store(const struct resume_facts *f,
                                        struct resume_plan *ret)
{
    bool partial = f->told > 0 || !f->finished;

    if (f->offset == 0)
        return resume_plan_of(ret, RESUME_ANEW, 0);
    if (f->told > 0 && !resume_stands(f))
        return OUTCOME_SIZE_FIRST;
    if (!partial && f->stays)
        return OUTCOME_STAYS;
    if (f->offset > (partial ? f->resumable : f->size))
        return OUTCOME_BAD_OFFSET;
    return resume_plan_of(ret, partial ? RESUME_CUT : RESUME_COPY, f->offset);
}

/* A client that knows a partial's length sends only the bytes after it. If the
 * partial has changed since, or this session doesn't know the answer, the
 * client must ask again: the rest alone would become the file. SIZE may have
 * come on another connection, or before an upload that was cut. If no SIZE has
 * reported a length, no client can know one, and this is the whole file. */
static enum outcome resume_decide_append(const struct resume_facts *f,
                                         struct resume_plan *ret)
{
    if (f->told > 0)
        return (!f->finished || f->stays) && resume_stands(f)
                   ? resume_plan_of(ret, RESUME_CUT, f->told)
                   : OUTCOME_SIZE_FIRST;
    if (f->finished && f->stays)
        return OUTCOME_STAYS;
    if (f->finished)
        return resume_plan_of(ret, RESUME_COPY, f->size);
    if (f->reported)
        return OUTCOME_SIZE_FIRST;
    return resume_plan_of(ret, RESUME_ANEW, 0);
}

enum outcome resume_decide(const struct resume_facts *facts,
                           struct resume_plan *ret)
{
    return facts->mode == WRITE_APPEND ? resume_decide_append(facts, ret)
                                       : resume_decide_store(facts, ret);
}

/* Two hashes, which differ in their first byte, make 128 bits. */
static bool told_id(const uint8_t *key, int directory, const char *name,
                    uint64_t id[2])
{
    unsigned char bytes[1 + 2 * sizeof(uint64_t) + NAME_MAX];
    size_t len = strlen(name);
    uint64_t place[2];
    struct stat st;

    if (fstat(directory, &st) < 0 || len > NAME_MAX)
        return false;
    place[0] = st.st_dev;
    place[1] = st.st_ino;
    memcpy(bytes + 1, place, sizeof(place));
    memcpy(bytes + 1 + sizeof(place), name, len);
    for (unsigned char i = 0; i < 2; i++) {
        bytes[0] = i;
        id[i] = siphash(key, bytes, 1 + sizeof(place) + len);
    }
    return true;
}

void told_set(struct told *t, const uint8_t *key, int directory,
              const char *name, uint64_t length, uint64_t state)
{
    uint64_t id[2];

    if (!told_id(key, directory, name, id))
        return;
    for (size_t i = 0; i < TOLD_MAX; i++)
        if (memcmp(t->row[i].id, id, sizeof(id)) == 0)
            t->row[i].length = 0;
    if (length == 0)
        return;
    memcpy(t->row[t->next].id, id, sizeof(id));
    t->row[t->next].length = length;
    t->row[t->next].state = state;
    t->next = (t->next + 1) % TOLD_MAX;
}

uint64_t told_get(const struct told *t, const uint8_t *key, int directory,
                  const char *name, uint64_t *state)
{
    uint64_t id[2];

    if (!told_id(key, directory, name, id))
        return 0;
    for (size_t i = 0; i < TOLD_MAX; i++)
        if (t->row[i].length != 0 &&
            memcmp(t->row[i].id, id, sizeof(id)) == 0) {
            *state = t->row[i].state;
            return t->row[i].length;
        }
    return 0;
}

#define SETTLE_MS      5000
#define SETTLE_STEP_MS 20
#define RENEW_S        1800 /* half of what space.c waits */

/* A new ctime invalidates the answer of another session's SIZE, so it changes
 * as seldom as possible. */
static void settle_renew(const struct files *f, int fd)
{
    struct stat st;

    if (fstat(fd, &st) == 0 && partial_is_own(f, &st) &&
        time(NULL) - st.st_ctime >= RENEW_S)
        fchmod(fd, st.st_mode &
                       07777); /* the same mode again: that sets the ctime */
}

static bool settle_is_written(const struct files *f, int directory,
                              const char *partial)
{
    FD_CLEANUP int fd = resolve_in(
        directory, partial, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);

    if (fd < 0)
        return false;
    if (flock(fd, LOCK_SH | LOCK_NB) < 0)
        return errno == EWOULDBLOCK;
    settle_renew(f, fd);
    return false;
}

bool resume_settle(struct files *f, int directory, const char *name)
{
    struct pollfd ends[] = { { .fd = f->session.fd }, { .fd = f->master.fd } };
    uint64_t end = clock_ms() + SETTLE_MS;
    char own[PARTIAL_NAME_MAX];
    bool waited = false;

    partial_name(f, name, own);
    while (!f->over && settle_is_written(f, directory, own) &&
           clock_ms() < end) {
        waited = true;
        if (poll(ends, 2, SETTLE_STEP_MS) > 0)
            f->over = true; /* only the end of a peer is waited for */
    }
    return waited;
}
