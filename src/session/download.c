/* RETR: records are built straight from a mapping of the file. The mapping is a
 * window that moves along, so that a file of any size costs the same. Where the
 * kernel seals, it takes the file by itself. */
#include "transfer.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include "control.h"
#include "flow.h"
#include "sallyport/base/fd.h"
#include "sigbus.h"

#define WINDOW   (8u << 20)
#define PIECE    (256u << 10)
#define FAULT_IN (1u << 20)
#define PAGE     4096u

void download_release(struct session *s)
{
    struct transfer *t = &s->transfer;

    if (t->map)
        munmap(t->map, t->map_size);
    t->map = NULL;
    t->map_size = 0;
    sigbus_watch(NULL, 0);
}

/* Makes the window cover t->offset. */
static bool move_window(struct session *s)
{
    struct transfer *t = &s->transfer;
    uint64_t at = t->offset / WINDOW * WINDOW;
    uint64_t left = t->size - at;
    void *map;

    if (t->map && t->map_at == at)
        return true;
    download_release(s);
    t->map_size = left < WINDOW ? (size_t)left : WINDOW;
    /* Private, since FUSE's direct I/O knows no shared one. */
    map = mmap(NULL, t->map_size, PROT_READ, MAP_PRIVATE, t->source, (off_t)at);
    if (map == MAP_FAILED)
        return false;
    t->map = map;
    t->map_at = at;
    sigbus_watch(map, t->map_size);
    return true;
}

/* A megabyte of pages at a time, in one call: single faults cost more than the
 * copying; a whole window from a slow disk would keep ABOR waiting. A failure
 * (the file was cut) shows at the touch. */
static void fault_in(const struct transfer *t, size_t at)
{
    size_t left = t->map_size - at;

    if (at % FAULT_IN == 0)
        madvise(t->map + at, left < FAULT_IN ? left : FAULT_IN,
                MADV_POPULATE_READ);
}

/* Touches each page first: a file that somebody has cut short shows here, and
 * not while its bytes are on their way to the client. */
static bool is_whole(const char *piece, size_t len)
{
    const volatile char *p = piece;

    for (size_t i = 0; i < len && !sigbus_hit(); i += PAGE)
        (void)p[i];
    if (len > 0)
        (void)p[len - 1];
    return !sigbus_hit();
}

static enum stream_state send_piece(struct session *s)
{
    struct transfer *t = &s->transfer;
    size_t at = (size_t)(t->offset - t->map_at);
    size_t len = t->map_size - at;
    size_t took = 0;
    enum stream_state state;

    if (len > PIECE)
        len = PIECE;
    fault_in(t, at);
    if (!is_whole(t->map + at, len))
        return STREAM_FAILED;
    state = flow_write(s, t->map + at, len, &took);
    t->offset += took;
    transfer_moved(s, took);
    return sigbus_hit() ? STREAM_FAILED : state;
}

static bool has_its_size(const struct transfer *t)
{
    struct stat st;

    return fstat(t->source, &st) == 0 && (uint64_t)st.st_size >= t->size;
}

/* Whoever cuts the file while its last page is sealed has zeros sent in the
 * place of the rest of that page. */
static bool is_still_whole(const struct transfer *t)
{
    return t->offset < t->size || has_its_size(t);
}

/* The kernel takes it from the file; nothing of it is ever here. */
static enum stream_state hand_over(struct session *s, bool *cut)
{
    struct transfer *t = &s->transfer;
    uint64_t left = t->size - t->offset;
    size_t took = 0;
    enum stream_state state =
        stream_send_file(s->data.stream, t->source, t->offset,
                         left < PIECE ? (size_t)left : PIECE, &took);

    t->offset += took;
    transfer_moved(s, took);
    *cut = state == STREAM_OK && (took == 0 || !is_still_whole(t));
    return state;
}

static void file_was_cut(struct session *s)
{
    stream_drop(s->data.stream);
    transfer_fail(s, REPLY_LOCAL_ERROR, SLICE("the file was cut short"),
                  "the file was cut short while it was sent");
}

static void unreadable(struct session *s, const char *why)
{
    transfer_fail(s, REPLY_LOCAL_ERROR, SLICE("can't read the file"), why);
}

/* What both ways have in common, once the file's own troubles are told. */
static bool goes_on(struct session *s, enum stream_state state)
{
    if (state == STREAM_OK)
        return true;
    if (state == STREAM_AGAIN)
        transfer_wait(s, stream_events(s->data.stream));
    else
        transfer_broken(s, state);
    return false;
}

static bool by_kernel(struct session *s)
{
    bool cut;
    enum stream_state state = hand_over(s, &cut);

    if (cut)
        file_was_cut(s);
    else if (state == STREAM_FAILED)
        unreadable(s, stream_cause(s->data.stream));
    else
        return goes_on(s, state);
    return false;
}

/* SIGBUS has two causes: the file has become shorter, or its file system can't
 * read it. */
static void page_is_missing(struct session *s)
{
    if (!has_its_size(&s->transfer)) {
        file_was_cut(s);
        return;
    }
    stream_drop(s->data.stream);
    unreadable(s, "a page of the file can't be read");
}

static bool by_mapping(struct session *s)
{
    enum stream_state state;

    if (!move_window(s)) {
        unreadable(s, "mmap failed");
        return false;
    }
    state = send_piece(s);
    if (!sigbus_hit())
        return goes_on(s, state);
    page_is_missing(s);
    return false;
}

void download_pump(struct session *s)
{
    const struct transfer *t = &s->transfer;
    bool sealed = stream_kernel_seals(s->data.stream);

    for (int i = flow_rounds(s, TRANSFER_ROUNDS * 2); i > 0; i--) {
        if (t->offset >= t->size) {
            transfer_sent(s);
            return;
        }
        if (!(sealed ? by_kernel(s) : by_mapping(s)))
            return;
    }
    transfer_wait(s, 0);
    transfer_soon(s);
}
