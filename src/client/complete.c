/* Completion: the first word is a command, the others are remote or local
 * names, as the command's row says. libedit's hooks take no argument of ours,
 * hence the one pointer. */
#include "complete.h"

#include <editline/readline.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote.h"
#include "show.h"

static struct {
    struct client *client;
    struct listing all; /* the directory that was completed last */
    char directory[URL_PATH_MAX];
    char prefix[URL_PATH_MAX]; /* what was typed before the last "/" */
    size_t next;
} complete;

static char *complete_command(const char *text, int state)
{
    if (state == 0)
        complete.next = 0;
    while (complete.next < command_count) {
        const struct command *row = &commands[complete.next++];

        if (row->modes & IN_SHELL &&
            strncmp(row->name, text, strlen(text)) == 0)
            return strdup(row->name);
    }
    return NULL;
}

/* Lists the directory that TEXT leads to, once for each completion. */
static void complete_list(const char *text)
{
    const char *slash = strrchr(text, '/');
    struct failure why;

    snprintf(complete.prefix, sizeof(complete.prefix), "%.*s",
             slash ? (int)(slash + 1 - text) : 0, text);
    listing_release(&complete.all);
    if (url_join(complete.client->cwd, complete.prefix, complete.directory) ==
        0)
        remote_list(&complete.client->link, complete.directory, &complete.all,
                    &why);
    complete.next = 0;
}

static char *complete_remote(const char *text, int state)
{
    if (state == 0)
        complete_list(text);
    const char *last = text + strlen(complete.prefix);
    while (complete.next < complete.all.count) {
        const struct entry *e = &complete.all.entry[complete.next++];
        char name[2 * URL_PATH_MAX], safe[SHOW_MAX];

        if (strncmp(e->name, last, strlen(last)) != 0 ||
            strcmp(show_text(e->name, safe, sizeof(safe)), e->name) != 0)
            continue;
        snprintf(name, sizeof(name), "%s%s%s", complete.prefix, e->name,
                 e->kind == ENTRY_DIRECTORY ? "/" : "");
        rl_completion_append_character =
            e->kind == ENTRY_DIRECTORY ? '\0' : ' ';
        return strdup(name);
    }
    return NULL;
}

/* Which word of the line is being completed, and of which command? */
static const struct command *complete_row(int start, int *word)
{
    char name[32];
    int words = 0;

    for (int i = 0; i < start; i++)
        words += rl_line_buffer[i] != ' ' &&
                 (i + 1 == start || rl_line_buffer[i + 1] == ' ');
    *word = words - 1;
    if (words == 0)
        return NULL;
    const char *from = rl_line_buffer + strspn(rl_line_buffer, " ");
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(from, " "), from);
    return command_find(name, IN_SHELL);
}

static char **complete_word(const char *text, int start, int end)
{
    const struct command *row;
    int word;

    (void)end;
    row = complete_row(start, &word);
    if (word < 0)
        return rl_completion_matches(text, complete_command);
    if (!row || row->remote[0] == '\0' || !complete.client->open)
        return NULL;
    size_t letters = strlen(row->remote);
    char kind =
        row->remote[(size_t)word < letters ? (size_t)word : letters - 1];
    if (kind != 'r')
        return NULL; /* libedit completes local names */
    rl_attempted_completion_over = 1;
    return rl_completion_matches(text, complete_remote);
}

void complete_begin(struct client *c)
{
    complete.client = c;
    rl_readline_name = "sallyport";
    rl_attempted_completion_function = complete_word;
}
