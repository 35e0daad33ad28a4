/* Finds out what systemd forbids the service. --check runs outside of the unit
 * and reaches a home in /home that the service can't. Asks systemctl(1), which
 * has read the unit and its drop-ins, for the keys about directories only. Runs
 * in check and in sallyportctl; changes nothing. */
#include "sallyport/unit/unit.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "sallyport/base/execute.h"
#include "sallyport/users/places.h"

#define ANSWER_MS 5000

static bool is_no(struct slice value)
{
    static const char *const words[] = { "no", "false", "off", "0", "" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (slice_equal(value, slice_from(words[i])))
            return true;
    return false;
}

static void add_rule(struct unit *u, struct slice path, enum unit_access access,
                     const char *key)
{
    struct unit_rule *r = &u->rule[u->rules];

    if (u->rules == UNIT_RULES_MAX ||
        slice_copy(path, r->path, sizeof(r->path)) < 0)
        return;
    r->access = access;
    r->key = key;
    u->rules++;
}

/* "-/srv /data": '-' passes over what is missing, '+' is about a root that is
 * not in use here. "/home:ro" has options, "/data:/home/ftp:rbind" is seen as
 * its second path. */
static void add_paths(struct unit *u, struct slice value, bool second,
                      enum unit_access access, const char *key)
{
    struct slice path, first;

    while (slice_cut(&value, ' ', &path)) {
        while (path.len > 0 && (path.ptr[0] == '-' || path.ptr[0] == '+'))
            path = (struct slice){ path.ptr + 1, path.len - 1 };
        slice_cut(&path, ':', &first);
        if (second && path.ptr)
            slice_cut(&path, ':', &first);
        if (first.len > 0)
            add_rule(u, first, access, key);
    }
}

static void protect_system(struct unit *u, struct slice value)
{
    static const char key[] = "ReadWritePaths";

    if (is_no(value))
        return;
    if (slice_equal(value, SLICE("strict"))) {
        add_rule(u, SLICE(""), UNIT_READ_ONLY, key);
        add_rule(u, SLICE("/var/lib/sallyport"), UNIT_WRITABLE, key);
        return;
    }
    add_paths(u, SLICE("/usr /boot /efi"), false, UNIT_READ_ONLY, key);
    if (slice_equal(value, SLICE("full")))
        add_rule(u, SLICE("/etc"), UNIT_READ_ONLY, key);
}

void unit_add(struct unit *u, struct slice line)
{
    static const struct {
        const char *key;
        bool second;
        enum unit_access access;
    } lists[] = {
        { "ReadWritePaths", false, UNIT_WRITABLE },
        { "BindPaths", true, UNIT_WRITABLE },
        { "ReadOnlyPaths", false, UNIT_READ_ONLY },
        { "BindReadOnlyPaths", true, UNIT_READ_ONLY },
        { "InaccessiblePaths", false, UNIT_HIDDEN },
        { "TemporaryFileSystem", false, UNIT_HIDDEN },
    };
    struct slice key;

    if (!slice_cut(&line, '=', &key) || !line.ptr)
        return;
    line = slice_trim(line);
    if (slice_equal(key, SLICE("ProtectSystem")))
        protect_system(u, line);
    else if (slice_equal(key, SLICE("ProtectHome")) && !is_no(line))
        add_paths(u, SLICE("/home /root /run/user"), false,
                  slice_equal(line, SLICE("read-only")) ? UNIT_READ_ONLY
                                                        : UNIT_HIDDEN,
                  "ProtectHome");
    else if (slice_equal(key, SLICE("PrivateTmp")) && !is_no(line))
        add_paths(u, SLICE("/tmp /var/tmp"), false, UNIT_HIDDEN, "PrivateTmp");
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        if (slice_equal(key, slice_from(lists[i].key)))
            add_paths(u, line, lists[i].second, lists[i].access, lists[i].key);
}

void unit_ask(struct unit *u)
{
    static const char *const question[] = {
        "/usr/bin/systemctl", "show", "sallyport.service",
        "--property=ProtectSystem,ProtectHome,PrivateTmp,ReadWritePaths,"
        "ReadOnlyPaths,InaccessiblePaths,TemporaryFileSystem,BindPaths,"
        "BindReadOnlyPaths",
        NULL
    };
    static char text[EXECUTE_OUTPUT_MAX];
    struct slice rest, line;

    /* No answer: an empty text. */
    execute_program(question, ANSWER_MS, text, sizeof(text));
    rest = slice_from(text);
    u->rules = 0;
    while (slice_cut(&rest, '\n', &line))
        unit_add(u, line);
}

/* REAL is where PATH leads. systemd follows symbolic links, too. */
static bool is_beneath(const char *path, const char *real,
                       const struct unit_rule *r)
{
    char to[PATH_MAX];

    if (r->path[0] == '\0' || user_path_within(real, r->path) ||
        (r->access == UNIT_HIDDEN && user_path_within(path, r->path)))
        return true;
    place_resolve(r->path, to);
    return user_path_within(real, to);
}

/* Returns the rule with the longest path, of equal ones the strictest, or NULL:
 * of those that hide, and of what is bound into the hidden; or of the others.
 */
static const struct unit_rule *longest(const struct unit *u, const char *path,
                                       const char *real, bool hiding)
{
    const struct unit_rule *best = NULL;
    size_t most = 0;

    for (size_t i = 0; i < u->rules; i++) {
        const struct unit_rule *r = &u->rule[i];
        const bool hides = r->access == UNIT_HIDDEN;
        const size_t len = strlen(r->path);

        if (hiding ? !hides && strncmp(r->key, "Bind", 4) != 0 : hides)
            continue;
        if ((!best || len > most ||
             (len == most && r->access > best->access)) &&
            is_beneath(path, real, r)) {
            best = r;
            most = len;
        }
    }
    return best;
}

/* A hidden directory stays hidden, whatever the unit lets the service write. */
static const struct unit_rule *rule_of(const struct unit *u, const char *path,
                                       const char *real)
{
    const struct unit_rule *r = longest(u, path, real, true);

    return r && r->access == UNIT_HIDDEN ? r : longest(u, path, real, false);
}

/* Is it a plain word for a shell, for printf(1) and for a unit? */
static bool is_plain(const char *path, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!((path[i] >= 'a' && path[i] <= 'z') ||
              (path[i] >= 'A' && path[i] <= 'Z') ||
              (path[i] >= '0' && path[i] <= '9') || strchr("/._@+-", path[i])))
            return false;
    return true;
}

/* The commands that permit DIRECTORY. The units that remove expired files and
 * release inspected ones need it as well, unless it is the directory of the
 * users file. */
static void advise(struct complaint *c, const struct unit_rule *r,
                   const char *what, const char *path, const char *directory,
                   size_t len)
{
    const bool home = strcmp(r->key, "ProtectHome") == 0;
    char why[COMPLAINT_MAX];

    snprintf(why, sizeof(why), "systemd %s the %s %s%s (%s=)",
             r->access == UNIT_HIDDEN ? "hides" : "makes", what, path,
             r->access == UNIT_HIDDEN ? " from the service"
                                      : " read-only for the service",
             r->key);
    if ((r->access == UNIT_HIDDEN && !home) || !is_plain(directory, len))
        complain(c, "%s; %s", why,
                 strcmp(r->key, "PrivateTmp") == 0
                     ? "move it, such as to /srv"
                     : "change that by a drop-in: systemctl edit sallyport");
    else
        complain(c,
                 "%s; run: cd /etc/systemd/system; for u in sallyport%s; do "
                 "mkdir -p $u.service.d; printf '[Service]\\n%s"
                 "ReadWritePaths=-%.*s\\n' >>$u.service.d/paths.conf; done; "
                 "systemctl daemon-reload; systemctl restart sallyport",
                 why,
                 strcmp(what, "directory") == 0
                     ? ""
                     : " sallyport-retention sallyport-after",
                 home ? "ProtectHome=no\\n" : "", (int)len, directory);
}

bool unit_forbids(const struct unit *u, const char *what, const char *path,
                  struct complaint *c)
{
    char real[PATH_MAX];
    const struct unit_rule *r;
    size_t parent;

    place_resolve(path, real);
    r = rule_of(u, path, real);
    if (!r || r->access == UNIT_WRITABLE)
        return false;
    if (r->access == UNIT_HIDDEN || !real[0])
        slice_copy(slice_from(path), real, sizeof(real));
    parent = (size_t)(strrchr(real, '/') - real);
    /* One restart is enough for all homes beside it; but not all of /home. */
    if (strcmp(r->key, "ReadWritePaths") != 0 || parent == 0 ||
        strcmp(what, "directory") == 0)
        parent = strlen(real);
    advise(c, r, what, path, real, parent);
    return true;
}
