/* "doctor": runs the checks of its table, and prints what they find. It changes
 * nothing. What sallyportd --check knows is relayed, so that both say the same.
 * The checks of the system are here, those of the network in doctor_network.c.
 */
#include "doctor.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/timex.h>
#include <unistd.h>

#include "sallyport/base/execute.h"
#include "sallyport/base/harmless.h"

#define PROGRAM_MS 5000
#define MORE_ROOM  "see who uses it: sallyportctl quota report"
#define NFT        "/usr/sbin/nft"
#define CHECK_MS   90000 /* --check itself waits 60 s for homes */

static const char *const finding_words[FINDING_COUNT] = {
    [FINDING_GOOD] = "good",
    [FINDING_NOTE] = "note",
    [FINDING_WARNING] = "warning",
    [FINDING_BAD] = "bad",
};

void doctor_find(struct server_doctor *d, enum finding what, const char *advice,
                 const char *format, ...)
{
    char text[2 * COMPLAINT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    harmless_make(text, strlen(text)); /* other programs wrote some of it */
    d->found[what]++;
    if (d->list) {
        json_array_append_new(
            d->list, json_pack("{s:s, s:s, s:o, s:s*}", "check", d->check,
                               "finding", finding_words[what], "text",
                               json_text(text), "advice", advice));
        return;
    }
    printf("%-13s %-8s %s\n", d->check, finding_words[what], text);
    if (advice)
        printf("%-13s %-8s   %s\n", "", "", advice);
}

/* A line of --check says what to do by itself. */
static void relay_line(struct server_doctor *d, struct slice line)
{
    static const struct {
        const char *has;
        enum finding finding;
    } kinds[] = {
        { "hint: ", FINDING_WARNING },
        { "warning: ", FINDING_WARNING },
        { "weaker: ", FINDING_NOTE },
        { "as allow_weaker permits", FINDING_NOTE },
        { "configuration is fine", FINDING_GOOD },
    };
    const struct slice title = SLICE("sallyportd: ");
    enum finding what = FINDING_BAD;

    if (slice_starts(line, title))
        line = (struct slice){ line.ptr + title.len, line.len - title.len };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (memmem(line.ptr, line.len, kinds[i].has, strlen(kinds[i].has)))
            what = kinds[i].finding;
    doctor_find(d, what,
                what == FINDING_BAD ? "correct it, then run: sallyportctl "
                                      "reload"
                                    : NULL,
                "%.*s", (int)line.len, line.ptr);
}

/* sallyportd is beside this program. */
static void check_configuration(struct server_doctor *d)
{
    char program[PATH_MAX];
    const char *const argv[] = { program, "--check", "--config",
                                 d->x->settings.file, NULL };
    struct slice rest, line;
    static char out[EXECUTE_OUTPUT_MAX];
    int status;

    ctl_beside("sallyportd", program);
    status = execute_program(argv, CHECK_MS, out, sizeof(out));
    rest = slice_from(out);
    while (slice_cut(&rest, '\n', &line))
        if (line.len > 0)
            relay_line(d, line);
    if (status < 0 || status == EX_UNAVAILABLE)
        doctor_find(d, FINDING_BAD, "run: sallyportd --check", "%s --check %s",
                    program,
                    status < 0 ? "doesn't end in time" : "can't be executed");
}

/* The system: the firewall, the clock, and the disks. */

static bool line_has(struct slice line, const char *text)
{
    return memmem(line.ptr, line.len, text, strlen(text)) != NULL;
}

/* Does the rule permit the ports to anybody, or may it? A named set, or one
 * that goes on in the next line, may have them. */
static bool rule_permits(struct slice line, unsigned first, unsigned last)
{
    const char *ports = memmem(line.ptr, line.len, " dport ", 7);
    struct slice rest, list;

    if (line_has(line, "udp dport "))
        return false;
    if (!ports) /* all from an interface or an address? */
        return line_has(line, " accept") && !line_has(line, "\"lo\"") &&
               !line_has(line, " ct ") && !line_has(line, "port ") &&
               !line_has(line, "proto") && !line_has(line, "icmp") &&
               (slice_starts(line, SLICE("iif")) || line_has(line, " saddr "));
    rest =
        (struct slice){ ports + 7, line.len - (size_t)(ports + 7 - line.ptr) };
    if (slice_starts(rest, SLICE("{ ")))
        rest = (struct slice){ rest.ptr + 2, rest.len - 2 };
    if (line_has(line, "{") && !line_has(line, "}"))
        return true;
    slice_cut(&rest, line_has(rest, "}") ? '}' : ' ', &list);
    return line_has(list, "@") || (line_has(line, "accept") &&
                                   ports_listed(slice_trim(list), first, last));
}

bool firewall_refuses(const char *rules, unsigned first, unsigned last)
{
    struct slice rest = slice_from(rules), line;
    bool drops = false, elsewhere = false;

    while (slice_cut(&rest, '\n', &line)) {
        line = slice_trim(line);
        if (slice_starts(line, SLICE("chain ")))
            elsewhere = false; /* "hook input" may jump to it */
        if (line_has(line, " hook "))
            elsewhere = !line_has(line, " hook input ");
        if (!elsewhere && rule_permits(line, first, last))
            return false;
        drops |= !elsewhere && line_has(line, "policy drop");
    }
    return drops;
}

static bool judge_range(struct server_doctor *d, const char *rules,
                        unsigned first, unsigned last)
{
    const bool ufw = access("/usr/sbin/ufw", X_OK) == 0;
    char advice[160], range[32];

    if (!firewall_refuses(rules, first, last))
        return true;
    snprintf(range, sizeof(range), first == last ? "%u" : "%u-%u", first, last);
    snprintf(advice, sizeof(advice),
             ufw ? "run: ufw allow %u:%u/tcp"
                 : "add to the chain of \"hook input\": tcp dport %u-%u accept",
             first, last);
    doctor_find(d, FINDING_WARNING, advice,
                "the firewall drops what no rule accepts, and no rule names "
                "port %s",
                range);
    return false;
}

/* iptables and ufw are seen too, where they use the kernel's nftables. What
 * else may be in the way is seen only from outside. */
static void doctor_firewall(struct server_doctor *d)
{
    static const char *const list[] = { NFT, "-n", "list", "ruleset", NULL };
    const struct settings *l = &d->x->settings;
    const struct port_range *r = &l->ports;
    static char out[EXECUTE_OUTPUT_MAX];
    int status = execute_program(list, PROGRAM_MS, out, sizeof(out));
    bool open = true;

    if (status != 0) {
        doctor_find(d, FINDING_NOTE, NULL, "the rules can't be read: %s",
                    status == EX_UNAVAILABLE ? "there is no " NFT
                    : status < 0 ? "nft is late, or there are too many"
                    : geteuid()  ? "only root may"
                                 : "nft fails");
        return;
    }
    for (size_t i = 0; i < l->listen_count; i++)
        open &= judge_range(d, out, l->listen[i].port, l->listen[i].port);
    if (!r->automatic)
        open &= judge_range(d, out, r->first, r->last);
    if (open)
        doctor_find(d, FINDING_GOOD, NULL,
                    "no policy of nftables on this machine drops the ports");
}

static void doctor_clock(struct server_doctor *d)
{
    struct timex t = { .modes = 0 };

    if (adjtimex(&t) < 0)
        doctor_find(d, FINDING_NOTE, NULL, "its state can't be read: %s",
                    strerror(errno));
    else if (t.status & STA_UNSYNC)
        doctor_find(d, FINDING_WARNING,
                    "install chrony or systemd-timesyncd, or run: timedatectl "
                    "set-ntp true (in a container: on its host)",
                    "nothing keeps the clock right: one-time codes, expiry and "
                    "the log depend on it");
    else
        doctor_find(d, FINDING_GOOD, NULL, "it is synchronised");
}

static void judge_disk(struct server_doctor *d, const char *what,
                       const char *path)
{
    char room[SIZE_TEXT_MAX];
    struct complaint why = { "" };
    struct disk_look disk;
    enum level level = monitor_disk(path, &d->x->settings.min_free,
                                    &monitor_usual, &disk, &why);
    enum finding finding =
        level == LEVEL_WARNING ? FINDING_WARNING : FINDING_BAD;

    size_text(disk.left, room);
    if (disk.known && level != LEVEL_OK)
        doctor_find(d, finding, MORE_ROOM, "%s %s; %s free", what, why.text,
                    room);
    else if (level != LEVEL_OK)
        doctor_find(d, finding, "see the kernel's log, and its mount", "%s %s",
                    what, why.text);
    else if (disk.error < 0 && disk.error != -ENOENT)
        doctor_find(d, FINDING_WARNING, NULL, "%s: %s", path,
                    strerror(-disk.error)); /* --check knows what must exist */
    else if (disk.known && disk.left / 2 < disk.keep)
        doctor_find(d, FINDING_WARNING, MORE_ROOM, "%s %s: only %s free", what,
                    path, room);
    else if (disk.known)
        doctor_find(d, FINDING_GOOD, NULL, "%s %s: %s free", what, path, room);
}

void doctor_disk(struct server_doctor *d)
{
    const struct settings *s = &d->x->settings;

    judge_disk(d, "homes", s->homes);
    judge_disk(d, "shares", s->shares);
    judge_disk(d, "state", s->state);
}

static const struct {
    const char *name;
    void (*run)(struct server_doctor *d);
} doctor_checks[] = {
    { "configuration", check_configuration },
    { "server", doctor_server },
    { "TLS", doctor_tls },
    { "address", doctor_address },
    { "data ports", doctor_ports },
    { "firewall", doctor_firewall },
    { "clock", doctor_clock },
    { "disk", doctor_disk },
};

int doctor_run(struct context *x)
{
    struct server_doctor d = { .x = x,
                               .list = x->args.json ? json_array() : NULL };
    int code = 0;

    if (x->args.nagios)
        return monitor_check(x);
    if (x->args.warning || x->args.critical)
        return ctl_fail(x, EX_USAGE,
                        "--warning and --critical go with "
                        "--nagios");
    signal(SIGPIPE, SIG_IGN); /* a server that hangs up */
    for (size_t i = 0; i < sizeof(doctor_checks) / sizeof(doctor_checks[0]);
         i++) {
        d.check = doctor_checks[i].name;
        doctor_checks[i].run(&d);
        fflush(stdout);
    }
    if (d.list)
        code = json_write(x, d.list);
    else
        printf("\n%zu bad, %zu warning%s, %zu good\n", d.found[FINDING_BAD],
               d.found[FINDING_WARNING],
               d.found[FINDING_WARNING] == 1 ? "" : "s", d.found[FINDING_GOOD]);
    if (code == 0)
        code = d.found[FINDING_BAD] > 0 ? 2 : d.found[FINDING_WARNING] > 0;
    return code;
}
