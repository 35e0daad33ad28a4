/* Checks of doctor: the firewall, the clock, and the disks. */
#include "doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sysexits.h>
#include <unistd.h>

#include "sallyport/base/execute.h"

#define PROGRAM_MS 5000
#define MORE_ROOM  "see who uses it: sallyportctl quota report"
#define NFT        "/usr/sbin/nft"

static bool line_has(struct slice line, const char *text)
{
    return memmem(line.ptr, line.len, text, strlen(text)) != NULL;
}

/* A rule about a named set, or about one that goes on in the next line, may
 * permit anything. */
static bool rule_permits(struct slice line, unsigned first, unsigned last)
{
    const char *ports = memmem(line.ptr, line.len, "dport ", 6);
    const char *end = line.ptr + line.len;
    char text[4096];
    size_t n = 0;

    if (line_has(line, "udp dport "))
        return false;
    if (ports && memchr(line.ptr, '{', line.len) &&
        !memchr(line.ptr, '}', line.len))
        return true;
    if (!ports || !memmem(line.ptr, line.len, "accept", 6))
        return false;
    for (ports += 6; ports < end && n < sizeof(text) &&
                     memchr("0123456789-,@{} ", *ports, 16);
         ports++)
        if (*ports == '@')
            return true;
        else if (*ports != '{' && *ports != '}')
            text[n++] = *ports;
    return ports_listed(slice_trim((struct slice){ text, n }), first, last);
}

/* Everything from some addresses, or from an interface that isn't "lo". */
static bool rule_trusts(struct slice line)
{
    static const char *const starts[] = { "iif", "ip saddr ", "ip6 saddr " };
    static const char *const narrow[] = { "\"lo\"", " ct ", "port ",
                                          "proto",  "icmp", "@th" };

    for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++)
        if (line_has(line, narrow[i]))
            return false;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (slice_starts(line, slice_from(starts[i])))
            return line_has(line, " accept");
    return false;
}

/* A rule without a condition. */
static bool rule_drops_all(struct slice line)
{
    return slice_starts(line, SLICE("drop")) ||
           slice_starts(line, SLICE("reject")) ||
           (slice_starts(line, SLICE("counter")) &&
            (line_has(line, "drop") || line_has(line, "reject")));
}

/* Where a line of a ruleset is. */
struct firewall_place {
    bool input, other; /* in a chain of that hook, or of another one */
    bool limited;      /* in a rule for some addresses */
    bool goes_on;      /* the rule has a next line */
};

static void firewall_step(struct firewall_place *at, struct slice line)
{
    at->limited = (at->limited && at->goes_on) ||
                  (line_has(line, " saddr ") && !line_has(line, " saddr != "));
    at->goes_on = line.len > 0 && line.ptr[line.len - 1] == ',';
    if (slice_starts(line, SLICE("chain ")))
        at->input = at->other = false;
    if (line_has(line, " hook ")) {
        at->input = line_has(line, " hook input ");
        at->other = !at->input;
    }
}

bool firewall_refuses(const char *rules, unsigned first, unsigned last,
                      bool *some)
{
    struct slice rest = slice_from(rules), line;
    struct firewall_place at = { .input = false };
    bool refuses = false;

    *some = false;
    while (slice_cut(&rest, '\n', &line)) {
        line = slice_trim(line);
        firewall_step(&at, line);
        if (!at.other && rule_permits(line, first, last)) {
            if (!at.limited)
                return false;
            *some = true;
        }
        *some |= at.input && rule_trusts(line);
        refuses |=
            at.input && (line_has(line, "policy drop") || rule_drops_all(line));
    }
    *some &= refuses;
    return refuses;
}

static bool judge_range(struct doctor *d, const char *rules, unsigned first,
                        unsigned last)
{
    char advice[160], range[32];
    bool ufw = access("/usr/sbin/ufw", X_OK) == 0, some;

    if (!firewall_refuses(rules, first, last, &some))
        return true;
    snprintf(range, sizeof(range), first == last ? "%u" : "%u-%u", first, last);
    if (some) {
        doctor_find(d, FINDING_NOTE, NULL,
                    "the firewall permits port %s only to some addresses, or "
                    "on some interfaces",
                    range);
        return false;
    }
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

/* iptables and ufw are seen too, where they use the kernel's nftables. */
void doctor_firewall(struct doctor *d)
{
    static const char *const list[] = { NFT, "-n", "list", "ruleset", NULL };
    const struct settings *l = &d->x->settings;
    const struct port_range *r = &l->ports;
    static char out[EXECUTE_OUTPUT_MAX];
    int status;
    bool open = true;

    status = execute_program(list, PROGRAM_MS, out);
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
                    "no rule of nftables on this machine is in the way");
}

void doctor_clock(struct doctor *d)
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

static uint64_t kept_free(const struct min_free *m, const struct statvfs *disk)
{
    uint64_t percent =
        (uint64_t)disk->f_blocks / 100 * m->percent * (uint64_t)disk->f_frsize;

    return percent > m->bytes ? percent : m->bytes;
}

static void judge_disk(struct doctor *d, const char *what, const char *path)
{
    char room[SIZE_TEXT_MAX];
    struct statvfs disk;
    uint64_t left, keep;

    int r = disk_room(path, &disk);
    if (r == -ETIMEDOUT)
        doctor_find(d, FINDING_BAD, "see the kernel's log, and its mount",
                    "%s %s: the disk hangs", what, path);
    else if (r < 0 && r != -ENOENT) /* --check knows what must exist */
        doctor_find(d, FINDING_WARNING, NULL, "%s: %s", path, strerror(-r));
    if (r < 0)
        return;
    left = (uint64_t)disk.f_bavail * (uint64_t)disk.f_frsize;
    keep = kept_free(&d->x->settings.min_free, &disk);
    size_text(left, room);
    if (left <= keep || (disk.f_files > 0 && disk.f_favail == 0))
        doctor_find(d, FINDING_BAD, MORE_ROOM,
                    "%s %s: %s and %" PRIu64 " files free: uploads are refused",
                    what, path, room, (uint64_t)disk.f_favail);
    else if (left / 2 < keep || disk.f_bavail < disk.f_blocks / 20)
        doctor_find(d, FINDING_WARNING, MORE_ROOM, "%s %s: only %s free", what,
                    path, room);
    else
        doctor_find(d, FINDING_GOOD, NULL, "%s %s: %s free", what, path, room);
}

void doctor_disk(struct doctor *d)
{
    const struct settings *s = &d->x->settings;

    judge_disk(d, "homes", s->homes);
    judge_disk(d, "shares", s->shares);
    judge_disk(d, "state", s->state);
}
