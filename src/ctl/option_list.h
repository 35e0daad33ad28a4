/* The options of sallyportctl, in the order of the help, as rows of ROW(). An
 * OPTION has a value, a FLAG has none. A KEY sets the key FIELD of a users row.
 * The syntax of a command (commands.c) names its options. */
#define OPTION(field, name, value, help)                                       \
    ROW(field, name, value, NULL, NULL, help)
#define FLAG(field, name, help) ROW(field, name, NULL, NULL, NULL, help)
#define KEY(field, name, value, none, help)                                    \
    ROW(field, name, value, #field, none, help)
OPTION(config, "config", "FILE",
       "the configuration (default " SETTINGS_FILE ")")
OPTION(home, "home", "DIR",
       "the user's home (default for a new user: NAME in \"homes\")")
OPTION(comment, "comment", "TEXT", "a comment, such as the full name")
OPTION(role, "role", "ROLE",
       "full (the default of a new user), read, collect, drop, mine, or\n"
       "some of the letters lrwodnmui")
OPTION(share, "share", "NAME:ROLE",
       "a share that the user gets, such as incoming:drop (several: with\n"
       "commas)")
FLAG(show, "show", "print the letter again")
OPTION(team, "team", "TEAM",
       "a team that the user joins (several: with commas)")
OPTION(remove, "remove", "KEY",
       "remove a key of the row that only older versions have")
OPTION(path, "path", "DIR",
       "log: a part of a path; share add: the share's directory\n"
       "(default: NAME in \"shares\")")
OPTION(local_group, "local-group", "GROUP",
       "local programs of this group may read, move and delete the files")
KEY(file_mode, "file-mode", "MODE", "default",
    "the mode of new files, such as 0640; for a user also default")
KEY(dir_mode, "dir-mode", "MODE", "default",
    "the mode of new directories, such as 0750, or default")
FLAG(hash_stdin, "hash-stdin", "standard input has a hash, not a password")
FLAG(print_password, "print-password", "make a password, and print it once")
FLAG(must_change, "must-change",
     "the user must change the password before anything else")
KEY(on_conflict, "on-conflict", "WORD", "default",
    "overwrite, rename, reject or default")
KEY(data_binding, "data-binding", "WORD", "default",
    "user, session, address or default")
KEY(upload_eof, "upload-eof", "WORD", "default",
    "strict, size, lenient, announced or default")
KEY(certificate, "certificate", "NAMES", "none",
    "the user must show one of these client certificates:\n"
    "sha256:, subject:, email:, dns: or uri: (several: with\n"
    "semicolons); or none")
KEY(login, "login", "WORD", "default",
    "password, certificate (instead of a password) or default")
KEY(expires, "expires", "WHEN", "none",
    "when the user expires: a day (at its end, UTC), a time as\n"
    "2027-01-31T12:00:00Z, a time from now, such as 90d, or none (never)")
#define LIMIT_KEY(X, row, key, option, value, none, least, most, help)         \
    KEY(key, option, value, none, help)
USER_LIMITS(LIMIT_KEY, )
OPTION(retain, "retain", "[PATH:]TIME",
       "files are removed after TIME, such as 30d or /incoming:30d; or\n"
       "none")
KEY(sync, "sync", "NAME", "none",
    "import: also change and lock users, as the source NAME has them;\n"
    "other commands: the source that the row follows, or none")
FLAG(most, "most", "permit --sync to lock or unlock most users of the source")
FLAG(dry_run, "dry-run", "print what would happen, and change nothing")
FLAG(hashes, "hashes", "write the hashes into the JSON, too")
TEAM_LIMITS(LIMIT_KEY, )
#undef LIMIT_KEY
KEY(networks, "networks", "LIST", "none",
    "the clients' networks, such as 192.0.2.0/24,2001:db8::/32, or none\n"
    "(any network)")
KEY(hours, "hours", "LIST", "none",
    "days and hours, such as mon-fri/08:00-18:00,sat, or none (any)")
OPTION(files, "files", "N",
       "the largest number of files and directories, or none")
FLAG(purge, "purge", "remove the directory too, after a question")
FLAG(yes, "yes", "answer the question with yes")
FLAG(waiting, "waiting",
     "remove the user or share even if uploads there wait for\n"
     "inspection")
FLAG(new_secret, "new-secret", "make a new secret, which replaces the old one")
FLAG(replace_newer, "replace-newer",
     "also replace a file that is newer or was changed later")
FLAG(all, "all", "also homes whose rights no longer have the letter i")
OPTION(for_time, "for", "TIME",
       "how long, such as 10min, 12h, 7d or 4w (default: for ever)")
OPTION(reason, "reason", "TEXT", "the reason, which \"ban list\" prints")
OPTION(user, "user", "USER", "only lines of this user")
OPTION(address, "address", "ADDRESS",
       "only clients with this address or in this network")
OPTION(since, "since", "TIME",
       "only from this time on, as journalctl takes it: yesterday, -7d,\n"
       "2026-11-20, \"2026-11-20 08:00\"; without --since, --until and\n"
       "--lines log shows the last 24 h of the journal")
OPTION(until, "until", "TIME", "only up to this time")
FLAG(failed, "failed", "only what failed or was refused")
OPTION(event, "event", "EVENTS",
       "only these events, such as upload or login-failed,ban")
OPTION(serial, "serial", "SERIAL", "only this session")
OPTION(file, "file", "FILE",
       "read this log, or - for standard input, instead of the journal")
OPTION(lines, "lines", "N", "only the last N lines, also -n N")
FLAG(follow, "follow", "print new lines until Ctrl-C; also -f")
FLAG(csv, "csv", "write CSV, with a header line")
OPTION(output, "output", "FILE",
       "write the page into FILE (also -o FILE), not to standard output")
OPTION(timeout, "timeout", "TIME",
       "how long to wait, such as 10min or 2h (default: drain_timeout)")
OPTION(announce, "announce", "TIME",
       "for this time refuse only health checks of proxies (421), then all\n"
       "new sessions")
FLAG(off, "off", "drain: take sessions again; totp: ask for no code")
FLAG(json, "json", "write JSON")
FLAG(help, "help", "print the help of all commands, or of one")
FLAG(version, "version", "print the version")
#undef OPTION
#undef FLAG
#undef KEY
#undef ROW
