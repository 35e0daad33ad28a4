/* The table of commands. A new command is a row here and a function. Usage,
 * help and the permitted options come from the row. */
#include "ctl.h"

#define LIMIT_SYNTAX(X, row, key, option, value, none, least, most, help)      \
    "[--" option " " value "] "
#define TEAM_SYNTAX                                                            \
    TEAM_LIMITS(LIMIT_SYNTAX, ) "[--networks LIST] [--hours LIST]"

/* Syntax of "user add" and "user change". */
#define KEYS_SYNTAX                                                            \
    "[--on-conflict WORD] [--data-binding WORD] [--upload-eof WORD] "          \
    "[--certificate NAMES] [--login WORD] "
#define ENDS_SYNTAX                                                            \
    "[--expires WHEN] " TEAM_SYNTAX                                            \
    " " USER_LIMITS(LIMIT_SYNTAX, ) "[--retain [PATH:]TIME] [--sync NAME] "    \
                                    "[--json]"

const struct ctl_command ctl_commands[] = {
    { "user", "add", user_add, TAKES_NAME, READS_USERS | ASKS_PASSWORD,
      "NAME [--home DIR] [--comment TEXT] [--role ROLE] "
      "[--hash-stdin | --print-password] [--must-change] " KEYS_SYNTAX
      "[--share NAME:ROLE] [--team TEAM] "
      "[--file-mode MODE] [--dir-mode MODE] " ENDS_SYNTAX,
      "Add a user, and make the user's home",
      "sallyportctl user add anna --comment 'Anna, accounts'" },
    { "user", "change", user_change, TAKES_NAME, READS_USERS,
      "NAME [--home DIR] [--comment TEXT] [--role ROLE] "
      "[--hash-stdin] [--must-change] " KEYS_SYNTAX
      "[--remove KEY] [--file-mode MODE] [--dir-mode MODE] " ENDS_SYNTAX,
      "Change a user's row; the value \"default\" or \"none\" removes a "
      "setting",
      "sallyportctl user change anna --role read" },
    { "user", "edit", user_edit, TAKES_NOTHING, 0, "",
      "Open the users file in an editor ($VISUAL, $EDITOR), and replace it if "
      "it has no mistake",
      "EDITOR=nano sallyportctl user edit" },
    { "user", "passwd", user_passwd, TAKES_NAME, READS_USERS | ASKS_PASSWORD,
      "NAME [--print-password] [--must-change] [--json]",
      "Set a user's password",
      "sallyportctl user passwd anna < password-file" },
    { "user", "rename", line_rename, TAKES_TWO_NAMES, 0, "NAME NEW [--json]",
      "Give a user another name; uid, password and home stay, and unfinished "
      "uploads can't be resumed",
      "sallyportctl user rename anna anna.b" },
    { "user", "import", user_import, TAKES_FILE, READS_USERS,
      "FILE|- [--sync NAME [--most]] [--dry-run]",
      "Add users from rows of the users file, as the programs in "
      "share/sallyport/import print them; with --sync also "
      "change the users of that source, and lock users that it doesn't have",
      "awk -f /usr/share/sallyport/import/pure-pw /etc/pureftpd.passwd |\n"
      "  sallyportctl user import - --dry-run" },
    { "user", "del", line_del, TAKES_NAME, READS_USERS,
      "NAME [--purge] [--yes] [--waiting] [--json]",
      "Remove a user; with --purge also the home and all files in it",
      "sallyportctl user del anna --purge" },
    { "user", "list", user_list, TAKES_NOTHING, 0,
      "[--json [--hashes] | --csv]",
      "List all users; with --json everything in their rows",
      "sallyportctl user list --json | jq -r '.[] | select(.locked).name'" },
    { "user", "show", user_show, TAKES_NAME, READS_USERS, "NAME [--json]",
      "Show one user", "sallyportctl user show anna" },
    { "user", "lock", user_lock, TAKES_NAME_AND_ANY,
      HAS_DEADLINE | ANY_SETTINGS, "NAME ... [--json]",
      "End the sessions of users and refuse further logins; the passwords are "
      "kept",
      "sallyportctl user lock anna bert" },
    { "user", "unlock", user_lock, TAKES_NAME_AND_ANY, ANY_SETTINGS,
      "NAME ... [--json]", "Allow logins again",
      "sallyportctl user unlock anna bert" },
    { "user", "totp", user_totp, TAKES_NAME, READS_USERS,
      "NAME [--new-secret | --off] [--json]",
      "Ask a user for a one-time code after the password (RFC 6238), and print "
      "the secret for the user's app; with --off stop asking",
      "sallyportctl user totp anna" },
    { "user", "can", user_can, TAKES_VERB_AND_PATH, READS_USERS,
      "NAME login | VERB PATH [--json]",
      "Say whether a user may do something (log in, or list, read, write, "
      "replace, delete, rename or mkdir a path), and which line of the users "
      "file decides; exit status 0: yes, 1: no",
      "sallyportctl user can anna upload /contracts/a.pdf" },
    { "invite", NULL, invite_run, TAKES_NAME, READS_USERS,
      "NAME --share NAME:ROLE [--expires WHEN] [--uploads N] "
      "[--upload-bytes SIZE] [--comment TEXT] | NAME --show",
      "Add a user for a partner, who may use these shares, and print the "
      "letter with all that the partner needs except the password; --show "
      "prints the letter again",
      "sallyportctl invite acme --share incoming:drop --expires 90d" },
    { "share", "add", share_add, TAKES_NAME_AND_ANY, READS_USERS,
      "NAME [USER:ROLE | team:TEAM:ROLE ...] [--path DIR] "
      "[--local-group GROUP] [--file-mode MODE] [--retain [PATH:]TIME] "
      "[--json]",
      "Add a share, a directory that its members see as /NAME, for these users "
      "and teams",
      "sallyportctl share add contracts anna:full bert:read" },
    { "share", "change", line_change, TAKES_NAME, 0,
      "NAME [--remove KEY] [--file-mode MODE] [--retain [PATH:]TIME] [--json]",
      "Change a share; the value \"default\" or \"none\" removes a setting",
      "sallyportctl share change contracts --retain 30d" },
    { "share", "rename", line_rename, TAKES_TWO_NAMES, 0, "NAME NEW [--json]",
      "Give a share another name, which its members see; the directory stays",
      "sallyportctl share rename contracts deals" },
    { "share", "grant", members_change, TAKES_NAME_AND_MORE, 0,
      "NAME USER:ROLE | team:TEAM:ROLE ... [--json]",
      "Give users or teams rights in a share, in place of their earlier rights",
      "sallyportctl share grant contracts anna:full bert:read "
      "team:legal:drop" },
    { "share", "revoke", members_change, TAKES_NAME_AND_MORE, READS_USERS,
      "NAME USER | team:TEAM ... [--json]",
      "Take a share away from users or teams, and end the sessions that have "
      "it",
      "sallyportctl share revoke contracts bert" },
    { "share", "list", share_list, TAKES_NOTHING, READS_USERS,
      "[--json | --csv]", "List all shares", "sallyportctl share list" },
    { "share", "show", share_show, TAKES_NAME, READS_USERS, "NAME [--json]",
      "Show a share, its members, their rights, and where these come from",
      "sallyportctl share show contracts" },
    { "share", "del", line_del, TAKES_NAME, READS_USERS,
      "NAME [--purge] [--yes] [--waiting] [--json]",
      "Remove a share from all users and teams; with --purge also its "
      "directory and all files in it",
      "sallyportctl share del contracts" },
    { "team", "add", members_change, TAKES_NAME_AND_ANY, 0,
      "NAME [USER ...] [--json]", "Add a team, with these users",
      "sallyportctl team add legal anna bert" },
    { "team", "join", members_change, TAKES_NAME_AND_MORE, 0,
      "NAME USER ... [--json]", "Put users into a team: they get its shares",
      "sallyportctl team join legal carla" },
    { "team", "leave", members_change, TAKES_NAME_AND_MORE, 0,
      "NAME USER ... [--json]",
      "Take users out of a team: they lose its shares",
      "sallyportctl team leave legal bert" },
    { "team", "change", line_change, TAKES_NAME, 0,
      "NAME [--remove KEY] " TEAM_SYNTAX " [--json]",
      "Change the limits of a team; the value \"default\" or \"none\" removes "
      "a limit",
      "sallyportctl team change legal --bandwidth-up 10M" },
    { "team", "rename", line_rename, TAKES_TWO_NAMES, 0, "NAME NEW [--json]",
      "Give a team another name", "sallyportctl team rename legal law" },
    { "team", "list", team_list, TAKES_NOTHING, READS_USERS, "[--json | --csv]",
      "List all teams and their shares", "sallyportctl team list" },
    { "team", "show", team_show, TAKES_NAME, READS_USERS, "NAME [--json]",
      "Show a team, its shares, its limits and its users",
      "sallyportctl team show legal" },
    { "team", "del", line_del, TAKES_NAME, READS_USERS, "NAME [--yes] [--json]",
      "Remove a team; its users lose its shares",
      "sallyportctl team del legal" },
    { "partials", "list", partials_list, TAKES_NAME_OR_NOTHING, READS_USERS,
      "[NAME] [--json | --csv]",
      "List unfinished uploads, in one user's home or in all homes and shares",
      "sallyportctl partials list anna" },
    { "inspect", "list", inspect_list, TAKES_NAME_OR_NOTHING, READS_USERS,
      "[NAME | --all] [--json | --csv]",
      "List the uploads that wait for inspection, of one user, or in all "
      "shares and in the homes whose rights have the letter i; with --all also "
      "in homes whose rights no longer have it",
      "sallyportctl inspect list --json" },
    { "inspect", "read", inspect_order, TAKES_ID, READS_USERS, "ID [NAME]",
      "Write the bytes of an upload to the standard output",
      "sallyportctl inspect read 0123456789abcdef | clamdscan -" },
    { "inspect", "release", inspect_order, TAKES_ID, READS_USERS,
      "ID [NAME] [--replace-newer]",
      "Make an upload visible under its name; if the name is taken, "
      "on_conflict decides; with --replace-newer also replace a file that is "
      "newer, or was changed or renamed later; NAME, the user of the upload, "
      "makes the search faster",
      "sallyportctl inspect release 0123456789abcdef anna" },
    { "inspect", "reject", inspect_order, TAKES_ID, READS_USERS, "ID [NAME]",
      "Delete an upload that waits for inspection",
      "sallyportctl inspect reject 0123456789abcdef" },
    { "quota", "set", quota_set_limit, TAKES_ACCOUNT_AND_SIZE, READS_USERS,
      "NAME | share:NAME SIZE|none [--files N] [--json]",
      "Set how many bytes and files a user or a share may have; the kernel "
      "enforces it",
      "sallyportctl quota set anna 20G --files 100000" },
    { "quota", "list", quota_print, TAKES_ACCOUNT, READS_USERS,
      "[NAME | share:NAME] [--json | --csv]",
      "List the quotas of all users and shares, or of one, and what is used",
      "sallyportctl quota list anna" },
    { "retention", "run", retention_run, TAKES_NOTHING, READS_USERS,
      "[--dry-run] [--json]",
      "Remove files older than --retain of their home or share, and old "
      "unfinished uploads; a systemd timer runs this command",
      "sallyportctl retention run --dry-run" },
    { "status", NULL, status_show, TAKES_NOTHING, ANY_SETTINGS, "[--json]",
      "Show the state of the running server", "sallyportctl status" },
    { "metrics", NULL, metrics_show, TAKES_NOTHING, ANY_SETTINGS, "",
      "Print the counters and gauges of the running server, for Prometheus",
      "sallyportctl metrics" },
    { "who", NULL, who_show, TAKES_NOTHING, ANY_SETTINGS, "[--json | --csv]",
      "List the sessions of the running server, and what they do",
      "sallyportctl who" },
    { "kick", NULL, sessions_kick, TAKES_SESSION, ANY_SETTINGS,
      "USER | SERIAL | ADDRESS [--json]",
      "End the sessions of a user or of a client's address, or the session "
      "with a serial",
      "sallyportctl kick anna" },
    { "ban", "list", bans_list, TAKES_NOTHING, ANY_SETTINGS, "[--json | --csv]",
      "List the banned addresses and networks", "sallyportctl ban list" },
    { "ban", "add", bans_add, TAKES_NETWORK, ANY_SETTINGS,
      "ADDRESS[/BITS] [--for TIME] [--reason TEXT] [--yes] [--json]",
      "Refuse connections from an address or a network, and end its sessions; "
      "one IPv6 address means its /64",
      "sallyportctl ban add 192.0.2.0/24 --for 7d --reason scanner" },
    { "ban", "del", bans_del, TAKES_NETWORK, ANY_SETTINGS,
      "ADDRESS[/BITS] [--json]", "End the ban of an address or a network",
      "sallyportctl ban del 192.0.2.0/24" },
    { "check", NULL, check_run, TAKES_NOTHING, ANY_SETTINGS, "[--json | --csv]",
      "Check the configuration and the running server (exit status 0: fine, "
      "1: warnings, 2: something is wrong)",
      "sallyportctl check" },
    { "log", NULL, log_show, TAKES_NOTHING, WITHOUT_SETTINGS,
      "[--user USER] [--address ADDRESS] [--failed] [--path PART] [--event "
      "EVENTS] [--serial SERIAL] [--since TIME] [--until TIME] [--lines N] "
      "[--follow] [--file FILE] [--json | --csv]",
      "Show what happened: who sent which file, and why something failed; from "
      "the journal or a log file",
      "sallyportctl log --path contract.pdf --since yesterday" },
    { "report", NULL, report_run, TAKES_NOTHING, WITHOUT_SETTINGS,
      "[--since TIME] [--until TIME] [--file FILE] [--output FILE]",
      "Make a report about the last 7 days or another time (HTML): transfers, "
      "failures, sessions, bans, administrators, disks and quotas",
      "sallyportctl report -o report.html" },
    { "drain", NULL, drain_run, TAKES_NOTHING, ANY_SETTINGS,
      "[--announce TIME] [--timeout TIME] | --off",
      "Let the running server take no new sessions, end each session after its "
      "transfer, and wait for the last one; if that takes longer than "
      "--timeout, take sessions again",
      "sallyportctl drain --timeout 10min && systemctl stop sallyport" },
    { "reload", NULL, status_reload, TAKES_NOTHING, WITHOUT_SETTINGS, "",
      "Load the configuration again, with certificates and users file; every "
      "setting can change, and no session ends",
      "sallyportctl reload" },
};
const size_t ctl_command_count = sizeof(ctl_commands) / sizeof(ctl_commands[0]);
