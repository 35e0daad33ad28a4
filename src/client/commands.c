/* The table of commands. A new command is a row here, its function, and a line
 * in sallyport(1). Usage and help come from the table. */
#include <string.h>
#include <sysexits.h>

#include "client.h"

#define BOTH (ONE_SHOT | IN_SHELL)

const struct command commands[] = {
    { "put", "upload", BOTH, 1, -1, "lr", "lr", cmd_put, "FILE... URL",
      "FILE [NAME]",
      "Upload files; with -r also directories; \"-\" is standard input",
      "sallyport put report.pdf ftps://anna@drop.example.org/in/\n"
      "sallyport put -r -P4 photos ftps://anna@drop.example.org/in/\n"
      "pg_dump db | sallyport put - ftps://anna@drop.example.org/db.sql" },
    { "get", "download", BOTH, 1, -1, "rl", "r.", cmd_get, "URL... [LOCAL]",
      "NAME [LOCAL]",
      "Download files; with -r also directories; \"-\" is standard output",
      "sallyport get 'ftps://anna@drop.example.org/in/*.pdf' .\n"
      "sallyport get -r -P4 ftps://anna@drop.example.org/photos\n"
      "sallyport get ftps://anna@drop.example.org/db.sql - | psql db" },
    { "ls", "dir", BOTH, 0, -1, "r", "rr", cmd_ls, "URL...", "[NAME...]",
      "List directories and files",
      "sallyport ls ftps://anna@drop.example.org/in" },
    { "cat", NULL, BOTH, 1, -1, "r", "rr", cmd_cat, "URL...", "NAME...",
      "Print files", "sallyport cat ftps://anna@drop.example.org/notes.txt" },
    { "mkdir", NULL, BOTH, 1, -1, "r", "rr", cmd_mkdir, "URL...", "NAME...",
      "Make directories, with missing parent directories",
      "sallyport mkdir ftps://anna@drop.example.org/2026/november" },
    { "rm", "delete", BOTH, 1, -1, "r", "rr", cmd_rm, "[-r] URL...",
      "[-r] NAME...",
      "Remove files; with -r also directories with everything in them",
      "sallyport rm 'ftps://anna@drop.example.org/in/*.tmp'" },
    { "rmdir", NULL, BOTH, 1, -1, "r", "rr", cmd_rmdir, "URL...", "NAME...",
      "Remove empty directories",
      "sallyport rmdir ftps://anna@drop.example.org/old" },
    { "mv", "change", BOTH, 2, 2, "rr", "r.", cmd_mv, "URL NAME", "NAME NAME",
      "Change the name of a file or directory",
      "sallyport mv ftps://anna@drop.example.org/draft.txt /final.txt" },
    { "du", NULL, BOTH, 0, -1, "r", "rr", cmd_du, "URL...", "[NAME...]",
      "Add up the sizes of all files in directories",
      "sallyport du ftps://anna@drop.example.org/" },
    { "hash", NULL, BOTH, 1, -1, "r", "rr", cmd_hash, "URL...", "NAME...",
      "Print checksums that the server computes",
      "sallyport hash ftps://anna@drop.example.org/large.iso" },
    { "sync", NULL, BOTH, 2, 2, "lr", "..", cmd_sync, "DIR URL", "DIR NAME",
      "Upload new and changed files of a directory; outside a session, "
      "URL DIR downloads them; "
      "--delete removes files and directories that the source doesn't have",
      "sallyport sync --dry-run --delete site "
      "ftps://anna@drop.example.org/site\n"
      "sallyport sync ftps://anna@drop.example.org/site site" },
    { "doctor", NULL, ONE_SHOT | LOCAL, 1, 1, "r", "rr", doctor_run, "URL", "",
      "Test any FTPS server from outside, and explain the results",
      "sallyport doctor ftps://anna@drop.example.org" },
    { "mput", NULL, IN_SHELL, 1, -1, "l", "", cmd_mput, "", "FILE...",
      "Upload several files", "mput *.pdf" },
    { "mget", NULL, IN_SHELL, 1, -1, "r", "", cmd_mget, "", "NAME...",
      "Download several files", "mget *.pdf" },
    { "cd", NULL, IN_SHELL, 0, 1, "r", "", cmd_cd, "", "[NAME]",
      "Change the directory on the server", "cd /in" },
    { "lcd", NULL, IN_SHELL | LOCAL, 0, 1, "l", "", cmd_lcd, "", "[NAME]",
      "Change the local directory", "lcd ~/photos" },
    { "pwd", NULL, IN_SHELL, 0, 0, "", "", cmd_pwd, "", "",
      "Print the directory on the server", "pwd" },
    { "lpwd", NULL, IN_SHELL | LOCAL, 0, 0, "", "", cmd_lpwd, "", "",
      "Print the local directory", "lpwd" },
    { "open", NULL, IN_SHELL | LOCAL | OPENS, 1, 1, "l", "", cmd_open, "",
      "URL", "Close this connection and log in to another server",
      "open ftps://bert@drop.example.org\n"
      "open drop:" },
    { "status", NULL, IN_SHELL | LOCAL, 0, 0, "", "", cmd_status, "", "",
      "Print the server of this session, and its options", "status" },
    { "!", NULL, IN_SHELL | LOCAL, 0, -1, "l", "", cmd_shell, "",
      "[COMMAND...]", "Run a local command, or a shell", "! ls -l" },
    { "help", "?", BOTH | LOCAL | SERVERLESS, 0, 1, "l", "", cmd_help,
      "[COMMAND]", "[COMMAND]", "Print the help of all commands, or of one",
      "sallyport help put" },
    { "bye", "quit", IN_SHELL | LOCAL, 0, 0, "", "", cmd_bye, "", "",
      "Log out and leave", "bye" },
};
const size_t command_count = sizeof(commands) / sizeof(commands[0]);

const struct command *command_find(const char *name, unsigned mode)
{
    for (size_t i = 0; i < command_count; i++) {
        const struct command *row = &commands[i];

        if (row->modes & mode &&
            (strcmp(row->name, name) == 0 ||
             (row->other && strcmp(row->other, name) == 0)))
            return row;
    }
    return NULL;
}

/* Counts the changes that turn A into B: a letter more, less or another, and
 * two neighbours exchanged. Longer names than N count as different. */
static size_t command_distance(const char *a, const char *b)
{
    enum { N = 12 };
    size_t d[N + 1][N + 1], m = strlen(a), n = strlen(b);

    if (m > N || n > N)
        return N;
    for (size_t i = 0; i <= m; i++)
        for (size_t k = 0; k <= n; k++) {
            if (i == 0 || k == 0) {
                d[i][k] = i + k;
                continue;
            }
            size_t least = d[i - 1][k - 1] + (a[i - 1] != b[k - 1]);
            if (d[i - 1][k] + 1 < least)
                least = d[i - 1][k] + 1;
            if (d[i][k - 1] + 1 < least)
                least = d[i][k - 1] + 1;
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] &&
                a[i - 2] == b[k - 1] && d[i - 2][k - 2] + 1 < least)
                least = d[i - 2][k - 2] + 1;
            d[i][k] = least;
        }
    return d[m][n];
}

static const char *command_like(const char *name, unsigned mode)
{
    const char *like = NULL;
    size_t least = strlen(name) < 4 ? 2 : 3; /* as many changes are too many */

    for (size_t i = 0; i < command_count; i++) {
        const char *const names[] = { commands[i].name, commands[i].other };

        for (size_t k = 0; k < 2 && commands[i].modes & mode; k++) {
            size_t d = names[k] && names[k][1]
                           ? command_distance(name, names[k])
                           : least;
            if (d < least) {
                least = d;
                like = names[k];
            }
        }
    }
    return like;
}

int command_unknown(const char *name, unsigned mode)
{
    const char *like = command_like(name, mode);
    struct failure why;

    if (like)
        fail(&why, EX_USAGE, "no such command; did you mean %s?", like);
    else
        fail(&why, EX_USAGE, "no such command; %s",
             mode == IN_SHELL ? "try help" : "run: sallyport --help");
    return client_error(name, &why);
}
