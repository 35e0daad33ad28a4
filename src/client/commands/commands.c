/* The table of commands. A new command is a row here, its function, and a line
 * in sallyport(1). Usage and help come from the table. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client.h"

#define BOTH (ONE_SHOT | IN_SHELL)

const struct client_command commands[] = {
    { .name = "put",
      .other = "upload",
      .modes = BOTH,
      .words = { 1, -1 },
      .kinds = { "lr", "lr" },
      .run = cmd_put,
      .syntax = { "FILE... URL", "FILE... [NAME]" },
      .help = "Upload files; with -r also directories; \"-\" is standard input",
      .example = { "sallyport put report.pdf ftps://anna@drop.example.org/in/\n"
                   "sallyport put -r -P4 photos "
                   "ftps://anna@drop.example.org/in/\n"
                   "pg_dump db | sallyport put - "
                   "ftps://anna@drop.example.org/db.sql",
                   "put *.pdf\nput report.pdf in/november.pdf\nput -r -P4 "
                   "photos" } },
    { .name = "get",
      .other = "download",
      .modes = BOTH,
      .words = { 1, -1 },
      .kinds = { "rl", "r." },
      .run = cmd_get,
      .syntax = { "URL... [LOCAL]", "NAME [LOCAL]" },
      .help =
          "Download files; with -r also directories; \"-\" is standard output",
      .example = { "sallyport get 'ftps://anna@drop.example.org/in/*.pdf' .\n"
                   "sallyport get -r -P4 ftps://anna@drop.example.org/photos\n"
                   "sallyport get ftps://anna@drop.example.org/db.sql - | psql "
                   "db",
                   "get *.pdf\nget 'in/november 2026.pdf' "
                   "november.pdf\nget -r photos" } },
    { .name = "ls",
      .other = "dir",
      .modes = BOTH,
      .words = { 0, -1 },
      .kinds = { "r", "rr" },
      .run = cmd_ls,
      .syntax = { "URL...", "[NAME...]" },
      .help = "List directories and files",
      .example = { "sallyport ls ftps://anna@drop.example.org/in",
                   "ls\nls -r in\nls *.pdf" } },
    { .name = "cat",
      .modes = BOTH,
      .words = { 1, -1 },
      .kinds = { "r", "rr" },
      .run = cmd_cat,
      .syntax = { "URL...", "NAME..." },
      .help = "Print files",
      .example = { "sallyport cat ftps://anna@drop.example.org/notes.txt",
                   "cat notes.txt" } },
    { .name = "mkdir",
      .modes = BOTH,
      .words = { 1, -1 },
      .kinds = { "r", "rr" },
      .run = cmd_mkdir,
      .syntax = { "URL...", "NAME..." },
      .help = "Make directories, with missing parent directories",
      .example = { "sallyport mkdir ftps://anna@drop.example.org/2026/november",
                   "mkdir 2026/november" } },
    { .name = "rm",
      .other = "delete",
      .modes = BOTH,
      .words = { 1, -1 },
      .kinds = { "r", "rr" },
      .run = cmd_rm,
      .syntax = { "[-r] URL...", "[-r] NAME..." },
      .help = "Remove files; with -r also directories with everything in them",
      .example = { "sallyport rm 'ftps://anna@drop.example.org/in/*.tmp'",
                   "rm in/*.tmp\nrm -r old" } },
    { .name = "rmdir",
      .modes = BOTH,
      .words = { 1, -1 },
      .kinds = { "r", "rr" },
      .run = cmd_rmdir,
      .syntax = { "URL...", "NAME..." },
      .help = "Remove empty directories",
      .example = { "sallyport rmdir ftps://anna@drop.example.org/old",
                   "rmdir old" } },
    { .name = "mv",
      .other = "change",
      .modes = BOTH,
      .words = { 2, 2 },
      .kinds = { "rr", "r." },
      .run = cmd_mv,
      .syntax = { "URL NAME", "NAME NAME" },
      .help = "Change the name of a file or directory",
      .example = { "sallyport mv ftps://anna@drop.example.org/draft.txt "
                   "/final.txt",
                   "mv draft.txt final.txt\nmv final.txt in/" } },
    { .name = "chmod",
      .modes = BOTH,
      .words = { 2, -1 },
      .kinds = { "lr", ".r" },
      .run = cmd_chmod,
      .syntax = { "MODE URL...", "MODE NAME..." },
      .help = "Change the mode of files and directories, by SITE CHMOD",
      .example = { "sallyport chmod 640 ftps://anna@drop.example.org/notes.txt",
                   "chmod 640 notes.txt" } },
    { .name = "passwd",
      .modes = BOTH,
      .words = { 0, 1 },
      .kinds = { "r", "rr" },
      .run = cmd_passwd,
      .syntax = { "URL", "" },
      .help = "Change your password, if the server permits it by SITE PSWD",
      .example = { "sallyport passwd ftps://anna@drop.example.org",
                   "passwd" } },
    { .name = "du",
      .modes = BOTH,
      .words = { 0, -1 },
      .kinds = { "r", "rr" },
      .run = cmd_du,
      .syntax = { "URL...", "[NAME...]" },
      .help = "Add up the sizes of all files in directories",
      .example = { "sallyport du ftps://anna@drop.example.org/",
                   "du\ndu photos" } },
    { .name = "hash",
      .modes = BOTH,
      .words = { 1, -1 },
      .kinds = { "r", "rr" },
      .run = cmd_hash,
      .syntax = { "URL...", "NAME..." },
      .help = "Print checksums that the server computes",
      .example = { "sallyport hash ftps://anna@drop.example.org/large.iso",
                   "hash large.iso" } },
    { .name = "sync",
      .modes = BOTH,
      .words = { 2, 2 },
      .kinds = { "lr", ".." },
      .run = cmd_sync,
      .syntax = { "DIR URL | URL DIR", "DIR NAME" },
      .help = "Upload new and changed files of a directory; outside a session, "
              "URL DIR downloads them; --delete removes files and directories "
              "that the source doesn't have",
      .example = { "sallyport sync --dry-run --delete site "
                   "ftps://anna@drop.example.org/site\n"
                   "sallyport sync ftps://anna@drop.example.org/site site",
                   "sync --dry-run --delete site site\nsync site site" } },
    { .name = "doctor",
      .modes = ONE_SHOT | LOCAL,
      .words = { 1, 1 },
      .kinds = { "r", "rr" },
      .run = doctor_run,
      .syntax = { "URL", "" },
      .help = "Test any FTPS server from outside, and explain the results",
      .example.line = "sallyport doctor ftps://anna@drop.example.org" },
    { .name = "cd",
      .modes = IN_SHELL,
      .words = { 0, 1 },
      .kinds = { "r", "" },
      .run = cmd_cd,
      .syntax = { "", "[NAME]" },
      .help = "Change the directory on the server",
      .example.shell = "cd /in" },
    { .name = "lcd",
      .modes = IN_SHELL | LOCAL,
      .words = { 0, 1 },
      .kinds = { "l", "" },
      .run = cmd_lcd,
      .syntax = { "", "[NAME]" },
      .help = "Change the local directory",
      .example.shell = "lcd ~/photos" },
    { .name = "pwd",
      .modes = IN_SHELL,
      .run = cmd_pwd,
      .syntax = { "", "" },
      .help = "Print the directory on the server",
      .example.shell = "pwd" },
    { .name = "open",
      .modes = IN_SHELL | LOCAL | OPENS,
      .words = { 1, 1 },
      .kinds = { "l", "" },
      .run = cmd_open,
      .syntax = { "", "URL" },
      .help = "Close this connection and log in to another server; its options "
              "are those of sallyport and of a profile",
      .example.shell = "open ftps://bert@drop.example.org\n"
                       "open drop:" },
    { .name = "status",
      .modes = IN_SHELL | LOCAL,
      .run = cmd_status,
      .syntax = { "", "" },
      .help = "Print the server of this session, its options and the quota",
      .example.shell = "status" },
    { .name = "!",
      .modes = IN_SHELL | LOCAL,
      .words = { 0, -1 },
      .kinds = { "l", "" },
      .run = cmd_shell,
      .syntax = { "", "[COMMAND...]" },
      .help = "Run a local command, or a shell",
      .example.shell = "! ls -l" },
    { .name = "help",
      .other = "?",
      .modes = BOTH | LOCAL | SERVERLESS,
      .words = { 0, 1 },
      .kinds = { "l", "" },
      .run = cmd_help,
      .syntax = { "[COMMAND]", "[COMMAND]" },
      .help = "Print the help of all commands, or of one",
      .example = { "sallyport help put", "help put" } },
    { .name = "bye",
      .other = "quit",
      .modes = IN_SHELL | LOCAL,
      .run = cmd_bye,
      .syntax = { "", "" },
      .help = "Log out and leave",
      .example.shell = "bye" },
};
const size_t command_count = sizeof(commands) / sizeof(commands[0]);

const struct client_command *command_find(const char *name, unsigned mode)
{
    for (size_t i = 0; i < command_count; i++) {
        const struct client_command *row = &commands[i];

        if (row->modes & mode &&
            (strcmp(row->name, name) == 0 ||
             (row->other && strcmp(row->other, name) == 0)))
            return row;
    }
    return NULL;
}

static const char *command_like(const char *name, unsigned mode)
{
    const char *like = NULL;
    size_t least = strlen(name) < 4 ? 2 : 3; /* as many changes are too many */

    for (size_t i = 0; i < command_count; i++) {
        const char *const names[] = { commands[i].name, commands[i].other };

        for (size_t k = 0; k < 2 && commands[i].modes & mode; k++) {
            size_t d =
                names[k] && names[k][1]
                    ? slice_distance(slice_from(name), slice_from(names[k]))
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

/* Help, from the tables. */

static void help_option(const struct option_row *row)
{
    char head[48], letter[8] = "    ";

    if (row->letter)
        snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    snprintf(head, sizeof(head), "%s--%s%s%s", letter, row->name,
             row->value ? " " : "", row->value ? row->value : "");
    printf("  %-28s %s\n", head, row->help);
}

/* Prints all options (COMMAND is NULL), the options of COMMAND alone (OWN), or
 * the options that all commands share. */
static void help_option_rows(const char *command, bool own)
{
    for (size_t i = 0; i < option_count; i++)
        if (!command || (own == (option_rows[i].commands != NULL) &&
                         option_is_for(&option_rows[i], command)))
            help_option(&option_rows[i]);
}

static void help_row(const struct client_command *row, unsigned mode)
{
    bool shell = mode == IN_SHELL;
    const char *syntax = shell ? row->syntax.shell : row->syntax.line;

    printf("  %s%s%s%s%s%s\n      %s.\n", shell ? "" : "sallyport ", row->name,
           shell && row->other ? ", " : "",
           shell && row->other ? row->other : "", syntax[0] ? " " : "", syntax,
           row->help);
}

/* The options of the command come first. The options of all commands follow
 * only for the command line, not in a session. */
static void help_options(const struct client_command *row, unsigned mode)
{
    bool some = false;

    for (size_t i = 0; i < option_count; i++)
        some |= option_rows[i].commands &&
                option_is_for(&option_rows[i], row->name);
    if (some) {
        puts("\nOptions of this command:");
        help_option_rows(row->name, true);
    }
    if (mode == ONE_SHOT) {
        puts("\nOptions of all commands:");
        help_option_rows(row->name, false);
    }
    printf("\nExamples:\n");
    for (const char *at = mode == IN_SHELL ? row->example.shell
                                           : row->example.line;
         at; at = strchr(at, '\n')) {
        at += *at == '\n';
        printf("  %.*s\n", (int)strcspn(at, "\n"), at);
    }
}

static void help_all(unsigned mode)
{
    if (mode == ONE_SHOT)
        puts("Usage:\n  sallyport [OPTION...] ftps://USER@HOST[:PORT][/DIR]\n"
             "      Begin a session.");
    for (size_t i = 0; i < command_count; i++)
        if (commands[i].modes & mode)
            help_row(&commands[i], mode);
}

int help_print(const struct client_command *row, unsigned mode)
{
    if (row && mode == ONE_SHOT)
        puts("Usage:");
    if (row)
        help_row(row, mode);
    else
        help_all(mode);
    if (row)
        help_options(row, mode);
    if (mode == IN_SHELL)
        return 0;
    if (!row) {
        puts("\nOptions:");
        help_option_rows(NULL, false);
    }
    puts("\nA URL is ftps://USER@HOST[:PORT]/PATH or PROFILE:PATH. TLS begins "
         "with AUTH TLS;\non port 990, and with ftps+implicit://, it begins at "
         "the first byte. The profiles\nare in ~/.config/sallyport/config. The "
         "password comes from --password-file, the\nvariable "
         "SALLYPORT_PASSWORD, ~/.netrc, or a question. See sallyport(1).");
    if (!row)
        puts("\nExamples:\n"
             "  sallyport put report.pdf ftps://anna@drop.example.org/in/\n"
             "  sallyport get -r ftps://anna@drop.example.org/photos\n"
             "  sallyport ftps://anna@drop.example.org");
    return 0;
}
