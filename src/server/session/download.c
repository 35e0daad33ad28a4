/* RETR, in session. TLS records are built directly from a mapping of the file.
 * The mapping is a window that moves, so a file of any size costs the same
 * memory. A small file is read instead.
 *
 * Another process may cut a file that is mapped. The handler of SIGBUS then
 * maps a page of zeros over the fault, and sets a flag. It works inside the
 * sandbox, which permits mmap(2) without execution. */
#include "transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sallyport/base/clock.h"
#include "sallyport/base/pages.h"

#define SMALL    (16u << 10) /* to read 4 KiB costs 20 us less than to map it */
#define WINDOW   (8u << 20)
#define PIECE    (256u << 10)
#define RECORD   (16u << 10) /* the most bytes of a TLS record */
#define FAULT_IN (1u << 20)

static struct {
    volatile uintptr_t start;
    volatile size_t len;
    volatile sig_atomic_t hit;
} watch;

/* 4 KiB; arm64 and others also have 16 or 64 KiB. */
static size_t page_size IN_DATA;

static void sigbus_on_signal(int number, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)info->si_addr;
    void *page = (char *)info->si_addr - at % page_size;

    (void)context;
    if (at - watch.start < watch.len &&
        mmap(page, page_size, PROT_READ,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED) {
        watch.hit = 1;
        return;
    }
    signal(number,
           SIG_DFL); /* the instruction faults again, and the signal kills */
}

void download_init(void)
{
    struct sigaction action = { .sa_sigaction = sigbus_on_signal,
                                .sa_flags = SA_SIGINFO | SA_NODEFER };

    page_size = (size_t)sysconf(_SC_PAGESIZE);
    sigaction(SIGBUS, &action, NULL);
}

/* Watches these bytes until the next call: a fault in them is survived, its
 * page becomes zeros, and sigbus_hit() true. Other faults kill, as usual. */
static void sigbus_watch(const void *start, size_t len)
{
    watch.len = 0;
    watch.hit = 0;
    watch.start = (uintptr_t)start;
    watch.len = len;
}

static bool sigbus_hit(void)
{
    return watch.hit != 0;
}

void download_release(struct session *s)
{
    struct transfer *t = &s->transfer;

    if (t->map)
        munmap(t->map, t->map_size);
    t->map = NULL;
    t->map_size = 0;
    sigbus_watch(NULL, 0);
}

/* Moves the window so that it covers t->offset. */
static bool download_move_window(struct session *s)
{
    struct transfer *t = &s->transfer;
    uint64_t at = t->offset / WINDOW * WINDOW;
    uint64_t left = t->size - at;
    void *map;

    if (t->map && t->map_at == at)
        return true;
    download_release(s);
    t->map_size = left < WINDOW ? (size_t)left : WINDOW;
    /* Private, since FUSE's direct I/O has no shared mappings. */
    map = mmap(NULL, t->map_size, PROT_READ, MAP_PRIVATE, t->source, (off_t)at);
    if (map == MAP_FAILED)
        return false;
    t->map = map;
    t->map_at = at;
    sigbus_watch(map, t->map_size);
    return true;
}

static enum stream_state download_send_piece(struct session *s)
{
    struct transfer *t = &s->transfer;
    size_t at = (size_t)(t->offset - t->map_at);
    size_t len = t->map_size - at;
    const volatile char *piece = t->map + at;
    size_t took, all = 0;
    enum stream_state state;

    /* Fault in a megabyte of pages by one call. Single page faults would cost
     * more than copying; a whole window from a slow disk would delay ABOR. */
    if (at % FAULT_IN == 0)
        madvise(t->map + at, len < FAULT_IN ? len : FAULT_IN,
                MADV_POPULATE_READ);
    len = allowance_cap(s, len < PIECE ? len : PIECE);
    /* Touches each page first, so that a file that was cut is found here, and
     * not while its bytes are being sent. */
    for (size_t i = 0; i < len && !sigbus_hit(); i += page_size)
        (void)piece[i];
    if (len > 0)
        (void)piece[len - 1];
    if (sigbus_hit())
        return STREAM_FAILED;
    /* Look after each record: if the file was cut, its zeros are still in our
     * buffer; the next write would send them. */
    do {
        size_t left = len - all;

        state = flow_write(s, t->map + at + all, left < RECORD ? left : RECORD,
                           &took);
        all += took;
    } while (state == STREAM_OK && all < len && !t->conversions &&
             !sigbus_hit());
    t->offset += all;
    stall_moved(s, all);
    return sigbus_hit() ? STREAM_FAILED : state;
}

static bool download_has_its_size(const struct transfer *t)
{
    struct statx facts;

    return statx(t->source, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_SIZE,
                 &facts) == 0 &&
           facts.stx_size >= t->size;
}

/* The file had no error: returns what the stream's state means. */
static enum stepped download_sent(struct session *s, enum stream_state state)
{
    if (state == STREAM_OK)
        return STEP_NEXT;
    if (state != STREAM_AGAIN)
        return transfer_broken(s, state);
    transfer_watch(s, stream_events(s->data.stream));
    return STEP_WAIT;
}

/* Sends a small file: t->block has all of it from the first call on. */
static enum stepped download_small(struct session *s)
{
    struct transfer *t = &s->transfer;
    enum stream_state state;
    size_t took;

    if (!t->block)
        t->block = malloc(SMALL);
    while (t->block && t->block_len < t->size) {
        ssize_t n =
            read(t->source, t->block + t->block_len, t->size - t->block_len);

        if (n == 0)
            return transfer_fail(s, FAILED_FILE_CUT, "");
        if (n < 0 && errno != EINTR)
            return transfer_fail(s, FAILED_READ, "read failed");
        t->block_len += n > 0 ? (size_t)n : 0;
    }
    if (!t->block)
        return transfer_fail(s, FAILED_MEMORY, "");
    state = flow_write(s, t->block + t->offset,
                       allowance_cap(s, t->block_len - t->offset), &took);
    t->offset += took;
    stall_moved(s, took);
    return download_sent(s, state);
}

/* Moves on. SIGBUS has two causes: the file has become shorter, or its file
 * system can't read it. */
static enum stepped download_next_piece(struct session *s)
{
    enum stream_state state;

    if (!download_move_window(s))
        return transfer_fail(s, FAILED_READ, "mmap failed");
    state = download_send_piece(s);
    if (!sigbus_hit())
        return download_sent(s, state);
    return transfer_fail(
        s, download_has_its_size(&s->transfer) ? FAILED_PAGE : FAILED_FILE_CUT,
        "");
}

/* Asks for the file. A range may begin after the end of the file, and then has
 * no bytes; a REST may not. */
static enum stepped download_ask_file(struct session *s)
{
    const struct transfer *t = &s->transfer;

    ASK(s, file_read, transfer_on_answer, .path = path_slice(&t->path),
        .offset = t->limit > 0 ? 0 : t->start, .partial = false);
    return STEP_NEXT;
}

static enum stepped download_take_file(struct session *s)
{
    struct transfer *t = &s->transfer;
    enum stepped r = transfer_take_file(s);

    if (r != STEP_NEXT)
        return r;
    if (t->limit > 0) { /* RANG: at most to the file's end */
        if (t->size > t->limit)
            t->size = t->limit;
        if (t->start > t->size)
            t->start = t->offset = t->size;
        t->promised = t->size - t->start;
    } else if (flow_keeps_lengths(s)) {
        t->promised = t->size;
    }
    return STEP_NEXT;
}

static enum stepped download_send(struct session *s)
{
    const struct transfer *t = &s->transfer;
    const bool small = t->start == 0 && t->size <= SMALL;

    for (uint64_t began = clock_ms(); clock_ms() - began < TRANSFER_TURN_MS;) {
        enum stepped r;

        /* If the file was cut within its last page, zeros were sent instead of
         * the rest of that page, without any error. */
        if (t->offset >= t->size)
            return small || download_has_its_size(t)
                       ? STEP_NEXT
                       : transfer_fail(s, FAILED_FILE_CUT, "");
        if (allowance_ask(s)) {
            /* Send all bytes of this piece before the next one. */
            enum stream_state state = flow_flush(s);

            return state == STREAM_OK ? allowance_wait(s)
                                      : download_sent(s, state);
        }
        r = small ? download_small(s) : download_next_piece(s);
        if (r != STEP_NEXT)
            return r;
    }
    transfer_watch(s, 0);
    transfer_soon(s);
    return STEP_WAIT;
}

const struct step download_steps[] = {
    ALLOWANCE_FIRST_STEP,
    { "ask for the file", download_ask_file, 0, TRANSFER_ASKED, UNDO_NOTHING },
    { "ticket", transfer_offer_ticket, 0, TRANSFER_ASKED, UNDO_NOTHING },
    { "take the file", download_take_file, WAITS_ANSWER, TRANSFER_ASKED,
      UNDO_NOTHING },
    TRANSFER_DATA_STEPS(UNDO_DATA),
    { "send", download_send, WAITS_DATA | WAITS_TURN, TRANSFER_FLOWING,
      UNDO_DATA },
    TRANSFER_SENT_STEPS(UNDO_DATA),
    TRANSFER_LAST_STEP,
};

void cmd_retr(struct session *s, const struct call *call)
{
    transfer_begin(s, call, download_steps);
}
