/* "ban list", "ban add" and "ban del": the running server has the bans. It
 * writes them to a file of its own, so there is nothing to do without it. */
#include "rows.h"

#include <ifaddrs.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "sallyport/domain/bans.h"

/* Takes "192.0.2.7", "192.0.2.0/24" or "2001:db8::/32". One IPv6 address means
 * its /64, which its host usually has as a whole. */
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

bool address_of_interface(const struct ifaddrs *one, struct address *ret)
{
    const struct sockaddr *of = one->ifa_addr;
    struct sockaddr_storage where = { 0 };

    if (!of || (of->sa_family != AF_INET && of->sa_family != AF_INET6))
        return false;
    memcpy(&where, of,
           of->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                    : sizeof(struct sockaddr_in6));
    return address_from_sockaddr(ret, &where) == 0;
}

/* Does the ban hold an address of the machine, from which the administrator may
 * be testing? */
static bool ban_holds_machine(const struct ban *ban)
{
    const struct address own[] = { { .family = 4, .bytes = { 127, 0, 0, 1 } },
                                   { .family = 6, .bytes = { [15] = 1 } } };
    struct ifaddrs *all = NULL;
    struct address a;
    bool found = address_is_loopback(&ban->network) ||
                 ban_holds(ban, &own[0]) || ban_holds(ban, &own[1]);

    if (getifaddrs(&all) < 0)
        return found;
    for (const struct ifaddrs *one = all; one && !found; one = one->ifa_next)
        found = address_of_interface(one, &a) && ban_holds(ban, &a);
    freeifaddrs(all);
    return found;
}

/* SSH sets SSH_CONNECTION: the client's address comes first; sudo removes it,
 * but not SSH_CLIENT of sudo -E. */
static bool ban_holds_caller(const struct ban *ban)
{
    static const char *const variables[] = { "SSH_CONNECTION", "SSH_CLIENT" };
    bool found = false;

    for (size_t i = 0; i < 2 && !found; i++) {
        const char *text = getenv(variables[i]);
        struct slice rest = slice_from(text ? text : ""), word;
        struct address a;

        slice_cut(&rest, ' ', &word);
        found = text && address_parse(word, &a) == 0 && ban_holds(ban, &a);
    }
    return found;
}

/* A wide network has many clients, and perhaps the administrator. */
static void check_own(const struct ban *ban)
{
    const bool wide = ban->bits < (ban->network.family == 4 ? 24 : 48);
    const char *why = ban_holds_machine(ban)  ? "this machine itself"
                      : ban_holds_caller(ban) ? "your own address"
                      : wide                  ? "a very large network"
                                              : NULL;

    if (why && !ctl.args.yes)
        fail(EX_USAGE, "%s: would ban %s; add --yes if that is intended",
             ctl.args.word[2], why);
}

void bans_add(void)
{
    const struct arguments *a = &ctl.args;
    const char *reason = a->reason ? a->reason : "by the administrator";
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
    check_own(&ban);
    server_open();
    SERVER_ASK(&m, ended, ban_add, .network = ban.network, .bits = ban.bits,
               .seconds = seconds, .reason = slice_from(ban.reason));
    ban_text(&ban.network, ban.bits, network);
    if (a->json)
        json_print(json_pack("{s:s, s:I}", "network", network, "ended",
                             (json_int_t)m.ended.sessions));
    else
        printf("banned %s; %" PRIu64 " session%s ended\n", network,
               m.ended.sessions, m.ended.sessions == 1 ? "" : "s");
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
    if (ctl.args.json)
        json_print(json_pack("{s:s}", "network", text));
    else
        printf("the ban of %s has ended\n", text);
}

static const struct column ban_columns[] = {
    COLUMN(network, TEXT), COLUMN(reason, STRING),  COLUMN(since, TIME),
    COLUMN(until, TIME),   COLUMN(automatic, FLAG), COLUMNS_END,
};
static const struct column bans_columns[] = {
    COLUMNS(bans, ROWS, ban_columns),
    COLUMNS_END,
};

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
    json_t *all = rows_empty(bans_columns);

    server_open();
    rows_read(SHOW_BANS, bans_columns, INT64_MAX, all);
    table_print(json_object_get(all, "bans"), columns, "nobody is banned");
    json_decref(all);
}
