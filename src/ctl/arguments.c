/* The command line: words and long options in any order, from one table, and
 * values that several options have. Pure, except for the help. */
#include "ctl.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "sallyport/base/slice.h"

const struct ctl_option ctl_options[] = {
#define AT(field) offsetof(struct arguments, field)
    { "config", OPTION_CONFIG, AT(config), "FILE",
      "the configuration (default " SETTINGS_FILE ")" },
    { "home", OPTION_HOME, AT(home), "DIR",
      "the user's home (for a new user: NAME in \"homes\")" },
    { "comment", OPTION_COMMENT, AT(comment), "TEXT",
      "a comment, such as the "
      "full name" },
    { "role", OPTION_ROLE, AT(role), "ROLE",
      "full (for a new user), read, collect, drop, mine, or letters of\n"
      "                       lrwodnmui" },
    { "rights-in", OPTION_RIGHTS_IN, AT(rights_in), "PATH:ROLE",
      "other rights in a directory of the home; ROLE default: the same" },
    { "share", OPTION_SHARE, AT(share), "NAME[:ROLE]",
      "a share that the user gets (several: with commas)" },
    { "team", OPTION_TEAM, AT(team), "TEAM",
      "a team that the user joins (several: with commas)" },
    { "path", OPTION_PATH, AT(path), "DIR",
      "log: a part of a path; share add: the share's directory\n"
      "                       (default: NAME in \"shares\")" },
    { "uid", OPTION_UID, AT(uid), "N",
      "the user's uid (for a new user: the next one never used)" },
    { "gid", OPTION_GID, AT(gid), "N",
      "the gid (for a new user: the uid; for a share: the next one never\n"
      "                       used)" },
    { "local-group", OPTION_LOCAL_GROUP, AT(local_group), "GROUP",
      "local programs of this group may read, move and delete the files" },
    { "file-mode", OPTION_FILE_MODE, AT(file_mode), "MODE",
      "the mode of new files, such as 0640; for a user also default" },
    { "dir-mode", OPTION_DIR_MODE, AT(dir_mode), "MODE",
      "the mode of new directories, such as 0750, or default" },
    { "hash-stdin", OPTION_HASH_STDIN, AT(hash_stdin), NULL,
      "standard input has a hash, not a password" },
    { "print-password", OPTION_PRINT_PASSWORD, AT(print_password), NULL,
      "make a password, and print it once" },
    { "must-change", OPTION_MUST_CHANGE, AT(must_change), NULL,
      "the user must change the password before anything else" },
    { "on-conflict", OPTION_ON_CONFLICT, AT(on_conflict), "WORD",
      "overwrite, rename, version, reject or default" },
    { "data-binding", OPTION_DATA_BINDING, AT(data_binding), "WORD",
      "user, session, address or default" },
    { "upload-eof", OPTION_UPLOAD_EOF, AT(upload_eof), "WORD",
      "strict, size, lenient, announced or default" },
    { "certificate", OPTION_CERTIFICATE, AT(certificate), "NAMES",
      "the user must show one of these client certificates:\n"
      "                       sha256:, subject:, email:, dns: or uri:, with ;\n"
      "                       between them; or default: none" },
    { "login", OPTION_LOGIN, AT(login), "WORD",
      "password, certificate (instead of it) or default" },
    { "expires", OPTION_EXPIRES, AT(expires), "WHEN",
      "the user's end: a day (until its end, UTC), a time as\n"
      "                       2027-01-31T12:00:00Z, or default: never" },
    { "ttl", OPTION_TTL, AT(ttl), "TIME",
      "the user's end, from now: 7d; also s, min, h or w" },
    { "max-files", OPTION_MAX_FILES, AT(max_files), "N",
      "the user may store N files, all together; or default: any number" },
    { "retain", OPTION_RETAIN, AT(retain), "[PATH:]TIME",
      "files are removed after TIME, such as 30d or /incoming:30d; or\n"
      "                       default: never" },
    { "format", OPTION_FORMAT, AT(format), "WORD",
      "pure-ftpd, proftpd, passwd, htpasswd, pwdfile (of PAM), ldif, json\n"
      "                       or sallyport; by default the one that fits all "
      "lines" },
    { "sync", OPTION_SYNC, AT(sync), "NAME",
      "import: keep the users of the source NAME as it has them (ldif and\n"
      "                       json); else: the source that the row follows, or "
      "default:\n"
      "                       none" },
    { "shadow", OPTION_SHADOW, AT(shadow), "FILE",
      "the hashes, in the form of shadow(5)" },
    { "prefix", OPTION_PREFIX, AT(prefix), "DIR",
      "homes are made in DIR, not in \"homes\"" },
    { "dry-run", OPTION_DRY_RUN, AT(dry_run), NULL,
      "print what would happen, and change nothing" },
    { "hashes", OPTION_HASHES, AT(hashes), NULL,
      "write the hashes into the JSON, too" },
    { "max-sessions", OPTION_MAX_SESSIONS, AT(max_sessions), "N",
      "sessions at a time, or default" },
    { "max-transfers", OPTION_MAX_TRANSFERS, AT(max_transfers), "N",
      "uploads and downloads at a time, 0: no limit, or default" },
    { "bandwidth-up", OPTION_BANDWIDTH_UP, AT(bandwidth_up), "SIZE",
      "bytes per second of all uploads together, such as 10M;\n"
      "                       0: no limit, or default" },
    { "bandwidth-down", OPTION_BANDWIDTH_DOWN, AT(bandwidth_down), "SIZE",
      "the same for downloads" },
    { "max-file-size", OPTION_MAX_FILE_SIZE, AT(max_file_size), "SIZE",
      "the largest upload, such as 2G; 0: no limit, or default" },
    { "networks", OPTION_NETWORKS, AT(networks), "LIST",
      "the clients' networks, such as 192.0.2.0/24,2001:db8::/32, or\n"
      "                       default: any" },
    { "hours", OPTION_HOURS, AT(hours), "LIST",
      "days and hours, such as mon-fri/08:00-18:00,sat, or default:\n"
      "                       any" },
    { "files", OPTION_FILES, AT(files), "N",
      "the largest number of files and directories, or none" },
    { "purge", OPTION_PURGE, AT(purge), NULL,
      "remove the directory too, after a question" },
    { "yes", OPTION_YES, AT(yes), NULL,
      "don't ask; ban even this machine itself; release over a newer file;\n"
      "                       lock even most users of a source" },
    { "older-than", OPTION_OLDER_THAN, AT(older_than), "DAYS",
      "only those without a write for so many days" },
    { "all", OPTION_ALL, AT(all), NULL, "unfinished uploads of any age" },
    { "for", OPTION_FOR, AT(for_time), "TIME",
      "how long, as 10min, 12h, 7d or 4w (default: for ever)" },
    { "reason", OPTION_REASON, AT(reason), "TEXT", "why, for ban list" },
    { "warning", OPTION_WARNING, AT(warning), "DAYS,PERCENT",
      "warn below so many days of a certificate, and from so many\n"
      "                       percent of max_sessions or a disk on (default "
      "14,90)" },
    { "critical", OPTION_CRITICAL, AT(critical), "DAYS,PERCENT",
      "the same for status 2 (default 3,100)" },
    { "user", OPTION_USER, AT(user), "USER", "only lines of this user" },
    { "since", OPTION_SINCE, AT(since), "TIME",
      "from then on: 7d, 2h, 2026-11-20, \"2026-11-20 08:00\", today,\n"
      "                       yesterday, tuesday (local time)" },
    { "until", OPTION_UNTIL, AT(until), "TIME",
      "up to then; a day counts to its end" },
    { "failed", OPTION_FAILED, AT(failed), NULL,
      "only what failed or was refused" },
    { "event", OPTION_EVENT, AT(event), "EVENTS",
      "only these, such as upload or login-failed,ban" },
    { "serial", OPTION_SERIAL, AT(serial), "SERIAL", "only this session" },
    { "file", OPTION_FILE, AT(file), "FILE",
      "read this log, or - for standard input, instead of the journal" },
    { "cursor", OPTION_CURSOR, AT(cursor), "FILE",
      "read on in the journal where the last call with FILE ended" },
    { "unit", OPTION_UNIT, AT(unit), "NAME",
      "the log of another server's unit (default: sallyport)" },
    { "directory", OPTION_DIRECTORY, AT(directory), "DIR",
      "the journals in DIR, with the name of the machine in each line" },
    { "xferlog", OPTION_XFERLOG, AT(xferlog), NULL,
      "write the transfers of files in the form of xferlog(5)" },
    { "output", OPTION_OUTPUT, AT(output), "FILE",
      "write the page into FILE (also -o FILE), not to standard output" },
    { "timeout", OPTION_TIMEOUT, AT(timeout), "TIME",
      "how long to wait, as 10min or 2h (default: drain_timeout)" },
    { "off", OPTION_OFF, AT(off), NULL, "take sessions again" },
    { "json", OPTION_JSON, AT(json), NULL, "write JSON" },
    { "help", OPTION_HELP, AT(help), NULL,
      "print the help of all commands, or of one" },
    { "version", OPTION_VERSION, AT(version), NULL, "print the version" },
#undef AT
};
#define ROWS (sizeof(ctl_options) / sizeof(ctl_options[0]))
const size_t ctl_option_count = ROWS;

const struct ctl_option *arguments_option(struct slice name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (slice_equal(name, slice_from(ctl_options[i].name)))
            return &ctl_options[i];
    return NULL;
}

static int usage_error(struct complaint *c, const char *what, const char *text)
{
    complain(c, "%s: %s; run: sallyportctl --help", text, what);
    return EX_USAGE;
}

static int unknown_option(struct complaint *c, const char *text,
                          struct slice name)
{
    const char *names[ROWS], *nearest;

    for (size_t i = 0; i < ROWS; i++)
        names[i] = ctl_options[i].name;
    nearest = slice_nearest(name, names, ROWS);
    if (!nearest)
        return usage_error(c, "no such option", text);
    complain(c, "%s: no such option; did you mean --%s?", text, nearest);
    return EX_USAGE;
}

/* Takes "--home DIR" or "--home=DIR". *next is the argument after TEXT. */
static int take_option(struct arguments *a, const char *text, char ***next,
                       struct complaint *c)
{
    struct slice name, value = slice_from(text + 2);
    const struct ctl_option *row;
    char *field = (char *)a;

    slice_cut(&value, '=', &name);
    row = arguments_option(name);
    if (!row)
        return unknown_option(c, text, name);
    if (a->given & row->bit)
        return usage_error(c, "given twice", text);
    a->given |= row->bit;
    field += row->offset;
    if (!row->value) {
        *(bool *)(void *)field = true;
        return value.ptr ? usage_error(c, "takes no value", text) : 0;
    }
    if (!value.ptr)
        value.ptr = **next ? *(*next)++ : NULL;
    if (!value.ptr)
        return usage_error(c, "needs a value", text);
    *(const char **)(void *)field = value.ptr;
    return 0;
}

/* "log -f", as tail and journalctl have it. */
static bool is_to_follow(const struct arguments *a, const char *text)
{
    return a->words > 0 && strcmp(a->word[0], "log") == 0 &&
           (strcmp(text, "-f") == 0 || strcmp(text, "--follow") == 0);
}

int arguments_parse(struct arguments *a, int argc, char **argv,
                    struct complaint *c)
{
    char **next = argv + (argc > 0);

    *a = (struct arguments){ .word = argv };
    while (*next) {
        const char *text = *next++;
        int code;

        if (strcmp(text, "-o") == 0)
            text = "--output";
        if (is_to_follow(a, text)) {
            complain(c,
                     "%s: no such option; run: journalctl -fu sallyport -o cat "
                     "| sallyportctl log --file -",
                     text);
            return EX_USAGE;
        }
        if (strncmp(text, "--", 2) == 0) {
            code = take_option(a, text, &next, c);
            if (code)
                return code;
        } else if (text[0] == '-' && text[1]) {
            return usage_error(c, "no such option", text);
        } else {
            a->word[a->words++] = next[-1];
        }
    }
    a->word[a->words] = NULL;
    return 0;
}

int arguments_seconds(struct context *x, const char *option, const char *text,
                      uint64_t *ret)
{
    *ret = (uint64_t)user_duration_parse(slice_from(text));
    if (*ret > 0)
        return 0;
    return ctl_fail(x, EX_USAGE,
                    "--%s %s: use a number and s, min, h, d or w, such as 7d; "
                    "at most 99999",
                    option, text);
}

const char *arguments_beyond(const struct arguments *a, uint64_t allowed)
{
    for (size_t i = 0; i < ROWS; i++)
        if (a->given & ctl_options[i].bit & ~allowed)
            return ctl_options[i].name;
    return NULL;
}

void arguments_help(uint64_t of)
{
    char left[32];

    for (size_t i = 0; i < ROWS; i++) {
        const struct ctl_option *row = &ctl_options[i];

        snprintf(left, sizeof(left), "--%s%s%s", row->name,
                 row->value ? " " : "", row->value ? row->value : "");
        if (row->bit & of)
            printf("  %-20s %s\n", left, row->help);
    }
}
