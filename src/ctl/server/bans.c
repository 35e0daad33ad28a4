/* "ban list", "ban add" and "ban del". These commands need the running server,
 * which keeps the bans and writes them to a file of its own. */
#include "rows.h"

#include <inttypes.h>

#include "sallyport/domain/bans.h"

/* Parses "192.0.2.7", "192.0.2.0/24" or "2001:db8::/32" into *network. Returns
 * the length of the prefix, in bits. A single IPv6 address means its /64, since
 * one host usually has the whole /64. */
static unsigned ban_network(const char *text, struct address *network)
{
    struct complaint why = { "" };
    struct network n;

    if (network_parse(slice_from(text), &n, &why) < 0)
        fail(EX_USAGE, "%s: %s", text,
             why.text[0] ? why.text
                         : "neither an IP address nor a network, such as "
                           "192.0.2.7 or 192.0.2.0/24");
    const unsigned bits =
        strchr(text, '/') ? n.bits : address_client_bits(&n.address);
    *network = address_prefix(&n.address, bits);
    return bits;
}

void bans_add(void)
{
    const struct arguments *a = &ctl.args;
    const char *reason = a->reason ? a->reason : "by the administrator";
    const struct address own = { .family = 6, .bytes = { [15] = 1 } };
    struct ban ban = { .by_hand = 1 };
    char network[BAN_TEXT_MAX];
    uint64_t seconds = 0;
    struct message m;

    ban.bits = (uint8_t)ban_network(a->word[2], &ban.network);
    if (a->for_time)
        seconds = arguments_seconds("for", a->for_time);
    if (slice_copy(slice_from(reason), ban.reason, sizeof(ban.reason)) < 0 ||
        !ban_is_sound(&ban))
        fail(EX_USAGE, "--reason: at most %d bytes, no control characters",
             BAN_REASON_MAX - 1);
    /* A wide network contains many clients, and perhaps the administrator. */
    const bool wide = ban.bits < (ban.network.family == 4 ? 24 : 48);
    if (!a->yes &&
        (wide || address_is_loopback(&ban.network) || ban_holds(&ban, &own)))
        fail(EX_USAGE, "%s: would ban %s; add --yes if that is intended",
             a->word[2], wide ? "a very large network" : "this machine itself");
    server_open();
    SERVER_ASK(&m, control_done, ban_add, .network = ban.network,
               .bits = ban.bits, .seconds = seconds,
               .reason = slice_from(ban.reason));
    ban_text(&ban.network, ban.bits, network);
    output_done(
        "network", network,
        json_pack("{s:I}", "ended", (json_int_t)m.control_done.sessions),
        "banned; %" PRIu64 " session%s ended", m.control_done.sessions,
        m.control_done.sessions == 1 ? "" : "s");
}

void bans_del(void)
{
    char text[BAN_TEXT_MAX];
    struct address network;
    const unsigned bits = ban_network(ctl.args.word[2], &network);
    struct message m;

    server_open();
    SERVER_ASK(&m, control_done, ban_remove, .network = network, .bits = bits);
    ban_text(&network, bits, text);
    output_done("network", text, json_object(), "the ban has ended");
}

void bans_list(void)
{
    static const struct output_field columns[] = {
        { .title = "NETWORK", .key = "network" },
        { .title = "SINCE", .key = "since" },
        { .title = "UNTIL", .key = "until", .none = "for ever" },
        { .title = "REASON", .key = "reason" },
        { .key = "automatic" },
        { 0 },
    };
    json_t *all = json_object();

    server_open();
    rows_read(SHOW_BANS, INT64_MAX, all);
    table_print(json_object_get(all, "bans"), columns, "nobody is banned");
    json_decref(all);
}
