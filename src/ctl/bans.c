/* "ban list", "ban add" and "ban del": the running server has the bans. It
 * writes them to a file of its own, so there is nothing to do without it. */
#include "ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/domain/bans.h"

#define REASON_ROOM (4 * MESSAGE_TEXT_MAX + 1)

struct ban_output {
    struct server *server;
    json_t *json; /* or NULL */
    uint64_t count;
};

/* Takes "192.0.2.7", "192.0.2.0/24" or "2001:db8::/32". One IPv6 address means
 * its /64, which its host usually has as a whole. */
static int ban_network(struct context *x, const char *text,
                       struct address *network, unsigned *bits)
{
    struct complaint why = { "" };

    if (address_parse_network(slice_from(text), network, bits, &why) < 0)
        return ctl_fail(x, EX_USAGE, "%s: %s", text,
                        why.text[0] ? why.text
                                    : "neither an IP address nor a network, "
                                      "such as 192.0.2.7 or 192.0.2.0/24");
    if (!strchr(text, '/')) {
        *bits = address_client_bits(network);
        *network = address_client(network);
    }
    return 0;
}

/* Would the ban concern the machine itself, from which the administrator may be
 * testing? */
static bool ban_is_own(const struct ban *ban)
{
    const struct address own[] = { { .family = 4, .bytes = { 127, 0, 0, 1 } },
                                   { .family = 6, .bytes = { [15] = 1 } } };

    return address_is_loopback(&ban->network) || ban_holds(ban, &own[0]) ||
           ban_holds(ban, &own[1]);
}

static int ban_send(struct context *x, const struct ban *ban, uint64_t seconds)
{
    char network[BAN_TEXT_MAX];
    struct message m;
    struct server s;
    int code = server_open(&s, x);

    if (code == 0)
        code = server_asked(&s,
                            SEND(&s.channel, ban_add, server_request(&s),
                                 .network = ban->network, .bits = ban->bits,
                                 .seconds = seconds,
                                 .reason = slice_from(ban->reason)),
                            &m);
    if (code == 0 && m.kind != MSG_ended)
        code = server_lies(x, "no answer to a ban");
    if (code == 0)
        printf("banned %s; %" PRIu64 " session%s ended\n",
               ban_text(&ban->network, ban->bits, network), m.ended.sessions,
               m.ended.sessions == 1 ? "" : "s");
    server_close(&s);
    return code;
}

int bans_add(struct context *x)
{
    const char *reason =
        x->args.reason ? x->args.reason : "by the administrator";
    struct ban ban = { .by_hand = 1 };
    uint64_t seconds = 0;
    unsigned bits = 0;
    int code = ban_network(x, x->args.word[2], &ban.network, &bits);

    ban.bits = (uint8_t)bits;
    if (code == 0 && x->args.for_time)
        code = arguments_seconds(x, "for", x->args.for_time, &seconds);
    if (code == 0 &&
        (slice_copy(slice_from(reason), ban.reason, sizeof(ban.reason)) < 0 ||
         !ban_is_sound(&ban)))
        code = ctl_fail(x, EX_USAGE,
                        "--reason: at most %d bytes, no control characters",
                        BAN_REASON_MAX - 1);
    if (code == 0 && ban_is_own(&ban) && !x->args.yes)
        code = ctl_fail(x, EX_USAGE,
                        "%s: would ban this machine itself; add --yes if that "
                        "is intended",
                        x->args.word[2]);
    return code ? code : ban_send(x, &ban, seconds);
}

int bans_del(struct context *x)
{
    char text[BAN_TEXT_MAX];
    struct address network;
    unsigned bits;
    struct message m;
    struct server s;
    int code = ban_network(x, x->args.word[2], &network, &bits);

    if (code)
        return code;
    code = server_open(&s, x);
    if (code == 0)
        code = server_asked(&s,
                            SEND(&s.channel, ban_remove, server_request(&s),
                                 .network = network, .bits = bits),
                            &m);
    if (code == 0 && m.kind != MSG_control_done)
        code = server_lies(x, "no answer to the end of a ban");
    if (code == 0)
        printf("the ban of %s has ended\n", ban_text(&network, bits, text));
    server_close(&s);
    return code;
}

static void ban_print(struct ban_output *o, const struct msg_ban_is *msg,
                      const char *network, const char *reason)
{
    char since[WHEN_MAX], until[WHEN_MAX];

    if (o->count == 0)
        printf("%-22s %-20s %-20s %s\n", "NETWORK", "SINCE", "UNTIL", "REASON");
    printf("%-22s %-20s %-20s %s\n", network, when_text(msg->since, since),
           msg->until > 0 ? when_text(msg->until, until) : "for ever", reason);
}

/* Somebody else may have written the reason. */
static int ban_take(struct ban_output *o, const struct msg_ban_is *msg)
{
    char network[BAN_TEXT_MAX], reason[REASON_ROOM];
    int r = 0;

    if (!ban_is_network(&msg->network, (unsigned)msg->bits) ||
        server_escape(msg->reason, reason, sizeof(reason)) < 0)
        return server_lies(o->server->x, "a ban that can't be");
    ban_text(&msg->network, (unsigned)msg->bits, network);
    if (o->json)
        r = json_array_append_new(
            o->json,
            json_pack("{s:s, s:o, s:o, s:o, s:b}", "network", network, "reason",
                      json_text(reason), "since", json_time(msg->since),
                      "until", json_time(msg->until), "automatic",
                      !msg->by_hand));
    else
        ban_print(o, msg, network, reason);
    o->count++;
    return r == 0 ? 0 : ctl_fail(o->server->x, EX_OSERR, "no memory");
}

/* Asks for the page from place *at on. *at becomes that of the next page, or
 * 0. */
static int ban_page(struct ban_output *o, uint64_t *at)
{
    struct server *s = o->server;
    struct message m;
    int code = server_asked(
        s, SEND(&s->channel, ban_list, server_request(s), .place = *at), &m);

    while (code == 0 && m.kind == MSG_ban_is) {
        code = ban_take(o, &m.ban_is);
        if (code == 0)
            code = server_next(s, &m);
    }
    if (code)
        return code;
    if (m.kind != MSG_ban_list_end)
        return server_lies(s->x, "no answer to ban list");
    if (m.ban_list_end.place != 0 && m.ban_list_end.place <= *at)
        return server_lies(s->x, "bans without end");
    *at = m.ban_list_end.place;
    return 0;
}

int bans_list(struct context *x)
{
    struct server s;
    struct ban_output o = { .server = &s,
                            .json = x->args.json ? json_array() : NULL };
    uint64_t at = 0;
    int code = server_open(&s, x);

    do
        code = code ? code : ban_page(&o, &at);
    while (code == 0 && at > 0);
    if (code == 0 && x->args.json)
        code = json_write(x, o.json);
    else
        json_decref(o.json);
    if (code == 0 && !x->args.json && o.count == 0)
        puts("nobody is banned");
    server_close(&s);
    return code;
}
