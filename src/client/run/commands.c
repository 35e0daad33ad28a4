/* The table of commands. A new command is a row here, its function, and a line
 * in sallyport(1). Usage and help come from the table. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "commands/commands.h"
#include "doctor/doctor.h"
#include "run.h"

#define BOTH (ONE_SHOT | IN_SHELL)
#define ROW(text, function, in, ...)                                           \
    { .name = (text), .run = (function), .modes = (in), __VA_ARGS__ }
#define WORDS(from, to, shell, line)                                           \
    .words = { from, to }, .kinds = { shell, line }

const struct client_command commands[] = {
    ROW("put", cmd_put, BOTH, WORDS(1, -1, "lr", "lr"),
        .syntax = { "FILE... URL", "FILE... [NAME]" }, .other = { "upload" },
        .help =
            "Upload files; with -r also directories; \"-\" is standard input",
        .example = { "sallyport put report.pdf "
                     "ftps://anna@drop.example.org/in/\n"
                     "sallyport put -r -P4 photos "
                     "ftps://anna@drop.example.org/in/\n"
                     "pg_dump db | sallyport put - "
                     "ftps://anna@drop.example.org/db.sql",
                     "put *.pdf\nput report.pdf in/november.pdf\nput -r -P4 "
                     "photos" }),
    ROW("get", cmd_get, BOTH, WORDS(1, -1, "rl", "r."),
        .syntax = { "URL... [LOCAL]", "NAME [LOCAL]" }, .other = { "download" },
        .help = "Download files; with -r also directories; \"-\" is standard "
                "output",
        .example = { "sallyport get 'ftps://anna@drop.example.org/in/*.pdf' .\n"
                     "sallyport get -r -P4 "
                     "ftps://anna@drop.example.org/photos\n"
                     "sallyport get ftps://anna@drop.example.org/db.sql - | "
                     "psql "
                     "db",
                     "get *.pdf\nget 'in/november 2026.pdf' "
                     "november.pdf\nget -r photos" }),
    ROW("ls", cmd_ls, BOTH, WORDS(0, -1, "r", "rr"),
        .syntax = { "URL...", "[NAME...]" }, .other = { "dir" },
        .help = "List directories and files",
        .example = { "sallyport ls ftps://anna@drop.example.org/in",
                     "ls\nls -r in\nls *.pdf" }),
    ROW("cat", cmd_cat, BOTH, WORDS(1, -1, "r", "rr"),
        .syntax = { "URL...", "NAME..." }, .help = "Print files",
        .example = { "sallyport cat ftps://anna@drop.example.org/notes.txt",
                     "cat notes.txt" }),
    ROW("mkdir", cmd_mkdir, BOTH, WORDS(1, -1, "r", "rr"),
        .syntax = { "URL...", "NAME..." },
        .help = "Make directories, with missing parent directories",
        .example = { "sallyport mkdir "
                     "ftps://anna@drop.example.org/2026/november",
                     "mkdir 2026/november" }),
    ROW("rm", cmd_rm, BOTH, WORDS(1, -1, "r", "rr"),
        .syntax = { "[-r] URL...", "[-r] NAME..." }, .other = { "delete" },
        .help =
            "Remove files; with -r also directories with everything in them",
        .example = { "sallyport rm 'ftps://anna@drop.example.org/in/*.tmp'",
                     "rm in/*.tmp\nrm -r old" }),
    ROW("rmdir", cmd_rmdir, BOTH, WORDS(1, -1, "r", "rr"),
        .syntax = { "URL...", "NAME..." }, .help = "Remove empty directories",
        .example = { "sallyport rmdir ftps://anna@drop.example.org/old",
                     "rmdir old" }),
    ROW("mv", cmd_mv, BOTH, WORDS(2, 2, "rr", "r."),
        .syntax = { "URL NAME", "NAME NAME" }, .other = { "change" },
        .help = "Change the name of a file or directory",
        .example = { "sallyport mv ftps://anna@drop.example.org/draft.txt "
                     "/final.txt",
                     "mv draft.txt final.txt\nmv final.txt in/" }),
    ROW("chmod", cmd_chmod, BOTH, WORDS(2, -1, "lr", ".r"),
        .syntax = { "MODE URL...", "MODE NAME..." },
        .help = "Change the mode of files and directories, by SITE CHMOD",
        .example = { "sallyport chmod 640 "
                     "ftps://anna@drop.example.org/notes.txt",
                     "chmod 640 notes.txt" }),
    ROW("passwd", cmd_passwd, BOTH, WORDS(0, 1, "r", "rr"),
        .syntax = { "URL", "" },
        .help = "Change your password, if the server permits it by SITE PSWD",
        .example = { "sallyport passwd ftps://anna@drop.example.org",
                     "passwd" }),
    ROW("hash", cmd_hash, BOTH, WORDS(1, -1, "r", "rr"),
        .syntax = { "URL...", "NAME..." },
        .help = "Print checksums that the server computes",
        .example = { "sallyport hash ftps://anna@drop.example.org/large.iso",
                     "hash large.iso" }),
    ROW("sync", cmd_sync, BOTH, WORDS(2, 2, "lr", ".."),
        .syntax = { "DIR URL | URL DIR", "DIR NAME" },
        .help = "Upload new and changed files of DIR; with URL DIR (not in a "
                "session), download them; removes nothing",
        .example = { "sallyport sync --dry-run site "
                     "ftps://anna@drop.example.org/site\n"
                     "sallyport sync ftps://anna@drop.example.org/site site",
                     "sync --dry-run site site\nsync site site" }),
    ROW("doctor", doctor_run, ONE_SHOT | LOCAL, WORDS(1, 1, "r", "rr"),
        .syntax = { "URL", "" },
        .help = "Test any FTPS server from outside, and explain the results",
        .example = { .line = "sallyport doctor ftps://anna@drop.example.org" }),
    ROW("cd", cmd_cd, IN_SHELL, WORDS(0, 1, "r", ""),
        .syntax = { "", "[NAME]" },
        .help = "Change the directory on the server",
        .example = { .shell = "cd /in" }),
    ROW("lcd", cmd_lcd, IN_SHELL | LOCAL, WORDS(0, 1, "l", ""),
        .syntax = { "", "[NAME]" }, .help = "Change the local directory",
        .example = { .shell = "lcd ~/photos" }),
    ROW("pwd", cmd_pwd, IN_SHELL, .syntax = { "", "" },
        .help = "Print the directory on the server",
        .example = { .shell = "pwd" }),
    ROW("open", cmd_open, IN_SHELL | LOCAL | OPENS, WORDS(1, 1, "l", ""),
        .syntax = { "", "URL" },
        .help = "Close this connection and log in to another server, with the "
                "options of the command line and of the profile",
        .example = { .shell = "open ftps://bert@drop.example.org\n"
                              "open drop:" }),
    ROW("status", cmd_status, IN_SHELL | LOCAL, .syntax = { "", "" },
        .help = "Print the server of this session, its options and the quota",
        .example = { .shell = "status" }),
    ROW("!", NULL, IN_SHELL | LOCAL, WORDS(0, -1, "l", ""),
        .syntax = { "", "[COMMAND...]" },
        .help = "Run a local command, or a shell",
        .example = { .shell = "! ls -l" }),
    ROW("help", cmd_help, BOTH | LOCAL, WORDS(0, 1, "l", ""),
        .syntax = { "[COMMAND]", "[COMMAND]" }, .other = { "?" },
        .help = "Print the help of all commands, or of one",
        .example = { "sallyport help put", "help put" }),
    ROW("bye", cmd_bye, IN_SHELL | LOCAL, .syntax = { "", "" },
        .other = { "quit", "exit" }, .help = "Log out and leave",
        .example = { .shell = "bye" }),
};
const size_t commands_count = sizeof(commands) / sizeof(commands[0]);

const struct client_command *commands_find(const char *name, unsigned mode)
{
    for (size_t i = 0; i < commands_count; i++) {
        const struct client_command *row = &commands[i];

        if (!(row->modes & mode))
            continue;
        if (strcmp(row->name, name) == 0)
            return row;
        for (size_t k = 0; k < 2 && row->other[k]; k++)
            if (strcmp(row->other[k], name) == 0)
                return row;
    }
    return NULL;
}

int command_unknown(const char *name, unsigned mode)
{
    const char *names[3 * sizeof(commands) / sizeof(commands[0])];
    size_t n = 0;

    for (size_t i = 0; i < commands_count; i++) {
        if (!(commands[i].modes & mode))
            continue;
        names[n++] = commands[i].name;
        for (size_t k = 0; k < 2 && commands[i].other[k]; k++)
            names[n++] = commands[i].other[k];
    }
    const char *like = slice_nearest(slice_from(name), names, n);
    return like ? client_refuse(name, EX_USAGE,
                                "no such command; did you mean %s?", like)
                : client_refuse(name, EX_USAGE, "no such command; %s",
                                mode == IN_SHELL ? "try help"
                                                 : "run: sallyport --help");
}

/* Help, from the tables. */

#define HELP_COLUMNS 80

/* Prints TEXT and END, and indents each line by INDENT columns. The current
 * line has USED columns already. */
static void help_wrap(const char *text, const char *end, int used, int indent)
{
    struct slice rest = slice_from(text), word;

    while (slice_cut(&rest, ' ', &word)) {
        int len = (int)word.len + (rest.ptr ? 0 : (int)strlen(end));

        if (used > indent && used + 1 + len > HELP_COLUMNS) {
            putchar('\n');
            used = 0;
        } else if (used > indent) {
            putchar(' ');
            used++;
        }
        if (used < indent)
            printf("%*s", indent - used, "");
        printf("%.*s", (int)word.len, word.ptr);
        used = (used < indent ? indent : used) + (int)word.len;
    }
    puts(end);
}

/* Prints TITLE and options. OWN: the options of COMMAND alone; otherwise the
 * options that all commands share; COMMAND NULL: all options. */
static void help_options(const char *title, const char *command, bool own)
{
    bool some = false;

    for (const struct option_row *row = option_rows;
         row < option_rows + option_count; row++) {
        char head[48], letter[8] = "    ";

        if (command &&
            (own != (row->commands != NULL) || !option_is_for(row, command)))
            continue;
        if (!some)
            printf("\n%s:\n", title);
        some = true;

        if (row->letter)
            snprintf(letter, sizeof(letter), "-%c, ", row->letter);
        snprintf(head, sizeof(head), "%s--%s%s%s", letter, row->name,
                 row->value ? " " : "", row->value ? row->value : "");
        help_wrap(row->help, "", printf("  %-28s ", head), 31);
    }
}

static void help_command(const struct client_command *one, bool shell)
{
    const char *syntax = shell ? one->syntax.shell : one->syntax.line;

    printf("  %s%s", shell ? "" : "sallyport ", one->name);
    for (size_t k = 0; shell && k < 2 && one->other[k]; k++)
        printf(", %s", one->other[k]);
    printf("%s%s\n", syntax[0] ? " " : "", syntax);
    help_wrap(one->help, ".", 0, 6);
}

int help_print(const struct client_command *row, unsigned mode)
{
    bool shell = mode == IN_SHELL;

    if (row && !shell)
        puts("Usage:");
    if (!row && !shell)
        puts("Usage:\n  sallyport [OPTION...] ftps://USER@HOST[:PORT][/DIR]\n"
             "      Begin a session.");
    for (size_t i = 0; i < commands_count; i++)
        if (row ? row == &commands[i] : commands[i].modes & mode)
            help_command(&commands[i], shell);
    if (row)
        help_options("Options of this command", row->name, true);
    /* In a session, print no options that all commands have. */
    if (row && !shell)
        help_options("Options of all commands", row->name, false);
    const char *example = !row    ? NULL
                          : shell ? row->example.shell
                                  : row->example.line;
    if (row)
        puts("\nExamples:");
    for (; example; example = strchr(example, '\n')) {
        example += *example == '\n';
        printf("  %.*s\n", (int)strcspn(example, "\n"), example);
    }
    if (shell)
        return 0;
    if (!row)
        help_options("Options", NULL, false);
    puts("\nA URL is ftps://USER@HOST[:PORT]/PATH or PROFILE:PATH. TLS begins "
         "with AUTH TLS;\non port 990, and with ftps+implicit://, it begins at "
         "the first byte. Profiles\nare in ~/.config/sallyport/config. The "
         "password comes from --password-file,\n--password-command, the "
         "variable "
         "SALLYPORT_PASSWORD, ~/.netrc, or a question.\nSee sallyport(1).");
    if (!row)
        puts("\nExamples:\n"
             "  sallyport put report.pdf ftps://anna@drop.example.org/in/\n"
             "  sallyport get -r ftps://anna@drop.example.org/photos\n"
             "  sallyport ftps://anna@drop.example.org");
    return 0;
}

/* Prints help; on the command line, also the help of commands that only a
 * session has. */
int cmd_help(struct client *c, struct word *w, int n)
{
    unsigned here = c->interactive ? IN_SHELL : ONE_SHOT, mode = here;
    const struct client_command *row =
        n > 0 ? commands_find(w[0].text, mode) : NULL;

    if (n > 0 && !row) {
        mode = IN_SHELL;
        row = commands_find(w[0].text, mode);
    }
    if (n > 0 && !row)
        return command_unknown(w[0].text, here);
    return help_print(row, mode);
}
