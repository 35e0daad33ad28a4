/* Sends events: fills a record, encodes it, and sends the bytes to log. Runs in
 * every process that has events. Never waits. poll(2) calls a unix socket
 * writable while at most a quarter of it is unread; sendmsg(2) takes messages
 * until all of it is. So told events, which go only to a writable socket, leave
 * three quarters for due events. */
#include "sallyport/event/event.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#define NAME(event, name, severity, class) [EVENT_##event] = (name),
const char *const event_names[EVENT_COUNT] = { EVENTS(NAME) };

#define SEVERITY(event, name, severity, class) [EVENT_##event] = LOG_##severity,
static const int event_severities[EVENT_COUNT] = { EVENTS(SEVERITY) };

enum event_class { DUE, TOLD };
#define CLASS(event, name, severity, class) [EVENT_##event] = (class),
static const enum event_class event_classes[EVENT_COUNT] = { EVENTS(CLASS) };

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

bool event_is_due(const struct event_record *r)
{
    return event_classes[r->event] == DUE;
}

void event_sender_init(struct event_sender *s, int fd, enum process self)
{
    *s = (struct event_sender){ 0 };
    channel_init(&s->channel, fd, self, PROCESS_LOG, PHASE_RUN);
    s->none = fd < 0;
}

void event_sender_release(struct event_sender *s)
{
    channel_close(&s->channel);
}

static bool is_writable(const struct event_sender *s)
{
    struct pollfd log = { .fd = s->channel.fd, .events = POLLOUT };

    return poll(&log, 1, 0) == 1;
}

static int send_record(struct event_sender *s, const struct event_record *r)
{
    struct buf bytes;
    int e;

    buf_init(&bytes, EVENT_BYTES_MAX);
    e = event_encode(r, &bytes);
    if (e == 0)
        e = SEND(&s->channel, event, 0, .event = buf_slice(&bytes));
    buf_release(&bytes);
    s->full = e < 0 || !is_writable(s);
    return e;
}

static void send_dropped(struct event_sender *s)
{
    struct event_record r;

    if (s->dropped == 0)
        return;
    event_begin(&r, EVENT_TROUBLE);
    event_number(&r, FIELD_NUMBER, s->dropped);
    event_text(&r, FIELD_REASON, SLICE("events dropped, the log took none"));
    if (send_record(s, &r) == 0)
        s->dropped = 0;
}

void event_flush(struct event_sender *s)
{
    if (!s->full && s->dropped == 0)
        return;
    s->full = !is_writable(s);
    send_dropped(s);
}

int event_send(struct event_sender *s, const struct event_record *r)
{
    int e = -EAGAIN;

    if (s->none)
        return 0;
    if (!s->full || event_is_due(r)) {
        send_dropped(s);
        e = send_record(s, r);
    }
    s->dropped += e < 0;
    return e;
}

static struct event_sender *sender_of_syscalls;

void event_syscalls_by(struct event_sender *s)
{
    sender_of_syscalls = s;
}

/* Runs in a signal handler: allocates no memory, and uses no shared buffer.
 * Writes the bytes that SEND() and event_encode() would make of an event with
 * one number. */
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
    if (sendmsg(sender_of_syscalls->channel.fd, &m,
                MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        sender_of_syscalls->dropped++;
}
