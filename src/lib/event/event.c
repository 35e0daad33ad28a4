/* Sends events: fills a record, encodes it, and sends the bytes to log. Runs in
 * every process that has events. Never waits: while log can't take events, this
 * code queues up to 64 KiB, and drops and counts further events. If the process
 * dies, its queue is lost; bytes in the socket stay. A client can cause any
 * number of refused commands. So the events of refused commands can fill only a
 * quarter of the queue, and the rest stays for the events that say what has
 * happened. */
#include "sallyport/event/event.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#define QUEUE_MAX     (64u << 10)
#define QUEUE_REFUSED (QUEUE_MAX / 4)

#define NAME(event, name, severity) [EVENT_##event] = (name),
const char *const event_names[EVENT_COUNT] = { EVENTS(NAME) };

#define SEVERITY(event, name, severity) [EVENT_##event] = LOG_##severity,
static const int event_severities[EVENT_COUNT] = { EVENTS(SEVERITY) };

const char *event_name(enum event e)
{
    if (e == EVENT_TROUBLE)
        e = EVENT_SERVICE;
    return (unsigned)e < EVENT_COUNT ? event_names[e] : "?";
}

/* Returns the severity. The result of a transfer or a change is 4xx for a fault
 * that can go away, 0 for a cut, and 5xx for a refusal or a wrong name. If
 * EVENT_END has a number, a signal has ended the session: the session has
 * crashed. */
int event_severity(const struct event_record *r)
{
    uint64_t result = r->number[FIELD_RESULT];

    if (r->event == EVENT_END && (r->has_number & 1U << FIELD_NUMBER))
        return LOG_ERR;
    if (r->event != EVENT_TRANSFER && r->event != EVENT_CHANGE)
        return event_severities[r->event];
    if (result >= 500)
        return LOG_NOTICE;
    return result == 0 || result >= 400 ? LOG_WARNING : LOG_INFO;
}

void event_begin(struct event_record *r, enum event e)
{
    *r = (struct event_record){ .event = e };
}

void event_text(struct event_record *r, enum event_field f, struct slice s)
{
    if (s.len > EVENT_TEXT_MAX)
        s.len = EVENT_TEXT_MAX;
    if (!s.ptr)
        s.ptr = "";
    r->text[f] = s;
}

void event_number(struct event_record *r, enum event_field f, uint64_t n)
{
    r->number[f] = n;
    r->has_number |= 1U << f;
}

/* Adds the field, the length and the bytes. A number has eight bytes. */
static int add_field(struct buf *into, enum event_field f, const void *bytes,
                     size_t len)
{
    uint8_t head[3] = { (uint8_t)f, (uint8_t)len, (uint8_t)(len >> 8) };
    int r = buf_add(into, head, sizeof(head));

    return r < 0 ? r : buf_add(into, bytes, len);
}

int event_encode(const struct event_record *r, struct buf *into)
{
    uint8_t event = (uint8_t)r->event;
    int e = buf_add(into, &event, 1);

    for (unsigned f = 0; f < FIELD_COUNT && e == 0; f++) {
        if (r->text[f].ptr)
            e = add_field(into, f, r->text[f].ptr, r->text[f].len);
        else if (r->has_number & 1U << f)
            e = add_field(into, f, &r->number[f], sizeof(r->number[f]));
    }
    return e;
}

void event_sender_init(struct event_sender *s, int fd, enum process self)
{
    *s = (struct event_sender){ 0 };
    channel_init(&s->channel, fd, self, PROCESS_LOG, PHASE_RUN);
    buf_init(&s->queue, QUEUE_MAX);
    s->none = fd < 0;
}

void event_sender_open(struct event_sender *s, int fd)
{
    enum process self = s->channel.self;

    channel_close(&s->channel);
    channel_init(&s->channel, fd, self, PROCESS_LOG, PHASE_RUN);
    s->none = false;
    event_flush(s);
}

void event_sender_release(struct event_sender *s)
{
    channel_close(&s->channel);
    buf_release(&s->queue);
}

/* Returns -EAGAIN if the event must wait: log is slow, or has died and master
 * hasn't restarted it yet. */
static int send_bytes(struct event_sender *s, struct slice bytes)
{
    int r = SEND(&s->channel, event, 0, .event = bytes);

    return r == -EPIPE ? -EAGAIN : r;
}

/* Sends the queued events, and directly after them the number of dropped
 * events. */
void event_flush(struct event_sender *s)
{
    struct event_record r;
    struct buf bytes;
    size_t done = 0;

    while (done < s->queue.len) {
        uint16_t len;
        struct slice one;
        int e;

        memcpy(&len, s->queue.data + done, sizeof(len));
        one = (struct slice){ s->queue.data + done + sizeof(len), len };
        e = send_bytes(s, one);
        if (e == -EAGAIN)
            break;
        s->dropped += e < 0;
        done += sizeof(len) + len;
    }
    buf_consume(&s->queue, done);
    if (s->queue.len > 0 || s->dropped == 0)
        return;
    event_begin(&r, EVENT_TROUBLE);
    event_number(&r, FIELD_NUMBER, s->dropped);
    event_text(&r, FIELD_REASON, SLICE("events dropped, the log took none"));
    buf_init(&bytes, EVENT_BYTES_MAX);
    if (event_encode(&r, &bytes) == 0 && send_bytes(s, buf_slice(&bytes)) == 0)
        s->dropped = 0;
    buf_release(&bytes);
}

int event_try(struct event_sender *s, struct slice bytes)
{
    if (s->none)
        return 0;
    event_flush(s);
    return s->queue.len > 0 ? -EAGAIN : send_bytes(s, bytes);
}

int event_send(struct event_sender *s, const struct event_record *r)
{
    const size_t most =
        r->event == EVENT_COMMAND_REFUSED ? QUEUE_REFUSED : QUEUE_MAX;
    struct buf bytes;
    int e;

    if (s->none)
        return 0;
    buf_init(&bytes, EVENT_BYTES_MAX);
    e = event_encode(r, &bytes);
    if (e == 0)
        e = event_try(s, buf_slice(&bytes));
    if (e == -EAGAIN) { /* queue the event: its length, then its bytes */
        const uint16_t len = (uint16_t)bytes.len;
        const size_t more = sizeof(len) + len;

        e = s->queue.len + more > most || buf_reserve(&s->queue, more) < 0
                ? -ENOBUFS
                : buf_add(&s->queue, &len, sizeof(len));
        if (e == 0)
            e = buf_add_slice(&s->queue, buf_slice(&bytes));
    }
    s->dropped += e < 0;
    buf_release(&bytes);
    return e;
}

static struct event_sender *sender_of_syscalls;

void event_syscalls_by(struct event_sender *s)
{
    sender_of_syscalls = s;
}

/* Runs in a signal handler: allocates no memory, and uses no queue and no
 * shared buffer. Writes the bytes that SEND() and event_encode() would make of
 * an event with one number. */
void event_on_syscall(int number)
{
    uint64_t n = (uint64_t)number;
    char bytes[MESSAGE_HEAD + 2 + 1 + 3 + 8] = { 0 };
    char *event = bytes + MESSAGE_HEAD + 2;
    struct iovec part = { bytes, sizeof(bytes) };
    struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };

    if (!sender_of_syscalls || sender_of_syscalls->channel.fd < 0)
        return;
    message_head(bytes, MSG_event, 0);
    bytes[MESSAGE_HEAD] = 1 + 3 + 8; /* bytes of the event */
    event[0] = EVENT_SYSCALL;
    event[1] = FIELD_NUMBER;
    event[2] = 8; /* bytes of the number */
    memcpy(event + 4, &n, 8);
    sendmsg(sender_of_syscalls->channel.fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}
