/* Completion: the first word is a command, the others are remote or local
 * names, as the command's row says. libedit's hooks take no argument, so a
 * static pointer has the state. */
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
    char prefix[URL_PATH_MAX]; /* the typed word up to its last "/" */
    char last[URL_PATH_MAX];   /* the rest of it, without "\\" */
    char quote;                /* the quote that opens the word, or 0 */
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

/* Turns a typed word into the form that split.h reads. */
static void complete_plain(const char *text, size_t len, char out[URL_PATH_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < len && n + 1 < URL_PATH_MAX; i++) {
        if (text[i] == '\\' && complete.quote != '\'' && i + 1 < len)
            i++;
        out[n++] = text[i];
    }
    out[n] = '\0';
}

/* Quotes NAME so that it is one word on the line. */
static void complete_typed(const char *name, char out[2 * URL_PATH_MAX])
{
    const char *special = complete.quote == '\'' ? ""
                          : complete.quote       ? "\\\""
                                                 : " \t\\'\"*?[";
    size_t n = 0;

    for (; *name && n + 2 < 2 * (size_t)URL_PATH_MAX; name++) {
        if (strchr(special, *name))
            out[n++] = '\\';
        out[n++] = *name;
    }
    out[n] = '\0';
}

/* Lists the directory of TEXT, once for each completion. */
static void complete_list(const char *text)
{
    const char *slash = strrchr(text, '/');
    size_t head = slash ? (size_t)(slash + 1 - text) : 0;
    char directory[URL_PATH_MAX];
    struct failure why;

    snprintf(complete.prefix, sizeof(complete.prefix), "%.*s", (int)head, text);
    complete_plain(text, head, directory);
    complete_plain(text + head, strlen(text + head), complete.last);
    listing_release(&complete.all);
    if (url_join(complete.client->cwd, directory, complete.directory) == 0)
        remote_list_once(&complete.client->link, complete.directory,
                         &complete.all, &why);
    complete.next = 0;
}

static char *complete_remote(const char *text, int state)
{
    if (state == 0)
        complete_list(text);
    while (complete.next < complete.all.count) {
        const struct entry *e = &complete.all.entry[complete.next++];
        char name[4 * URL_PATH_MAX], typed[2 * URL_PATH_MAX], safe[SHOW_MAX];

        if (strncmp(e->name, complete.last, strlen(complete.last)) != 0 ||
            strcmp(show_text(e->name, safe, sizeof(safe)), e->name) != 0)
            continue;
        complete_typed(e->name, typed);
        snprintf(name, sizeof(name), "%s%s%s", complete.prefix, typed,
                 e->kind == ENTRY_DIRECTORY ? "/" : "");
        rl_completion_append_character = e->kind == ENTRY_DIRECTORY ? '\0'
                                         : complete.quote ? complete.quote
                                                          : ' ';
        return strdup(name);
    }
    return NULL;
}

/* Returns the command of the line and the number of the word that is being
 * completed. */
static const struct command *complete_row(int start, int *word)
{
    char name[32];
    int words = 0;

    for (int i = 0; i < start; i++)
        words += rl_line_buffer[i] != ' ' &&
                 (i + 1 == start ||
                  (rl_line_buffer[i + 1] == ' ' && rl_line_buffer[i] != '\\'));
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
    complete.quote = '\0';
    if (start > 0 && strchr("'\"", rl_line_buffer[start - 1]))
        complete.quote = rl_line_buffer[start - 1];
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
