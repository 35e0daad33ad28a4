#include "plain.h"

#include <regex.h>

#include "ctl/ctl.h"
#include "support/fail.h"
#include "support/files.h"
#include "support/test.h"
#include "world.h"

#define TEXT_MAX    (1 << 20)
#define WORDS_MAX   64
#define STAGES_MAX  32
#define PATTERN_MAX 1024

/* A command of the line. */
struct stage {
    char *word[WORDS_MAX + 4]; /* room for a prefix, "--config" and NULL */
    int words;
    bool pipes;     /* its output is the input of the next one */
    const char *to; /* or a file gets it */
};

/* The texts that a stage reads and writes. */
struct flow {
    struct slice in;
    struct buf *out, *err;
};

static int echo_words(struct stage *s, struct flow *f)
{
    for (int i = 1; i < s->words; i++)
        buf_add_format(f->out, "%s%s", i > 1 ? " " : "", s->word[i]);
    buf_add_text(f->out, "\n");
    return 0;
}

static int cat_files(struct stage *s, struct flow *f)
{
    int status = 0;
    struct buf file;

    if (s->words == 1)
        buf_add_slice(f->out, f->in);
    for (int i = 1; i < s->words; i++) {
        buf_init(&file, TEXT_MAX);
        if (!files_read(s->word[i], &file)) {
            buf_add_format(f->err, "cat: %s: %s\n", s->word[i],
                           strerror(errno));
            status = 1;
        }
        buf_add_slice(f->out, buf_slice(&file));
        buf_release(&file);
    }
    return status;
}

/* Puts all lines on one, and each row of blanks becomes one. */
static int flatten(struct stage *s, struct flow *f)
{
    (void)s;
    for (size_t i = 0; i < f->in.len; i++)
        if (f->in.ptr[i] != '\n' && (f->in.ptr[i] != ' ' || f->out->len == 0 ||
                                     f->out->data[f->out->len - 1] != ' '))
            buf_add(f->out, &f->in.ptr[i], 1);
    buf_add_text(f->out, "\n");
    return 0;
}

/* grep [-c] [-v] [-e PATTERN…] [PATTERN] [FILE] */
static int grep_lines(struct stage *s, struct flow *f)
{
    char pattern[PATTERN_MAX] = "";
    bool counts = false, others = false;
    struct slice rest = f->in, line;
    struct buf file;
    size_t found = 0, len = 0;
    regex_t is;
    int i = 1;

    for (; s->word[i] && *s->word[i] == '-'; i++) {
        counts |= s->word[i][1] == 'c';
        others |= s->word[i][1] == 'v';
        if (s->word[i][1] == 'e')
            len += (size_t)snprintf(pattern + len, sizeof(pattern) - len,
                                    "%s%s", len ? "\\|" : "", s->word[++i]);
    }
    FAIL_IF(regcomp(&is, len ? pattern : s->word[i++], 0), "grep");
    buf_init(&file, TEXT_MAX);
    if (s->word[i]) {
        FAIL_IF(s->word[i + 1] || !files_read(s->word[i], &file), "grep");
        rest = buf_slice(&file);
    }
    while (rest.len > 0 && slice_cut(&rest, '\n', &line)) {
        char text[4096];

        FAIL_IF(slice_copy(line, text, sizeof(text)), "grep: a line");
        if ((regexec(&is, text, 0, NULL, 0) == 0) == others)
            continue;
        found++;
        if (!counts)
            buf_add_format(f->out, "%s\n", text);
    }
    if (counts)
        buf_add_format(f->out, "%zu\n", found);
    regfree(&is);
    buf_release(&file);
    return found == 0;
}

static int run_word(struct stage *s, struct flow *f)
{
    return world_fork(s->words, s->word, f->in, f->out, f->err);
}

static int run_ctl_word(struct stage *s, struct flow *f)
{
    s->word[s->words++] = (char[]){ "--config" };
    s->word[s->words++] = world.conf;
    s->word[s->words] = NULL;
    return run_word(s, f);
}

/* "import FORMAT FILE…" is awk -f $IMPORT/FORMAT -- FILE… */
static int run_import(struct stage *s, struct flow *f)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s", getenv("IMPORT"), s->word[1]);
    memmove(s->word + 4, s->word + 2,
            (size_t)(s->words - 1) * sizeof(*s->word));
    s->word[0] = (char[]){ "awk" };
    s->word[1] = (char[]){ "-f" };
    s->word[2] = path;
    s->word[3] = (char[]){ "--" };
    s->words += 2;
    return run_word(s, f);
}

/* The programs, and the letters of their options; NULL: any option. */
static const struct {
    const char *name;
    int (*run)(struct stage *s, struct flow *f);
    const char *options;
} programs[] = {
    { "sallyportctl", run_ctl_word, NULL },
    { "import", run_import, NULL },
    { "echo", echo_words, "" },
    { "cat", cat_files, "" },
    { "flat", flatten, "" },
    { "grep", grep_lines, "cev" },
    { "chmod", run_word, NULL },
    { "chown", run_word, NULL },
    { "cmp", run_word, NULL },
    { "cp", run_word, NULL },
    { "cut", run_word, NULL },
    { "diff", run_word, NULL },
    { "head", run_word, NULL },
    { "ln", run_word, NULL },
    { "ls", run_word, NULL },
    { "mkdir", run_word, NULL },
    { "mv", run_word, NULL },
    { "rm", run_word, NULL },
    { "rmdir", run_word, NULL },
    { "sed", run_word, NULL },
    { "stat", run_word, NULL },
    { "tail", run_word, NULL },
    { "touch", run_word, NULL },
};
#define PROGRAMS (sizeof(programs) / sizeof(*programs))

/* Returns the row of the stage's program, or PROGRAMS. */
static size_t program_of(const struct stage *s)
{
    size_t n = 0;

    while (n < PROGRAMS &&
           (s->words == 0 || strcmp(programs[n].name, s->word[0])))
        n++;
    for (int i = 1; n < PROGRAMS && programs[n].options && i < s->words; i++)
        if (s->word[i][0] == '-' &&
            (strlen(s->word[i]) != 2 ||
             !strchr(programs[n].options, s->word[i][1])))
            return PROGRAMS;
    return n;
}

/* Adds what *AT begins with to the word, which ends at *TO. Returns false if
 * only a shell knows what it means. */
static bool take_part(const char **at, char **to, char quote)
{
    if (strncmp(*at, "$PWD", 4) == 0 && quote != '\'') {
        *to = stpcpy(*to, scratch);
        *at += 4;
        return true;
    }
    if (strchr(quote == '\'' ? "" : quote ? "$`\\" : "$`\\*?[](){}~#&<!", **at))
        return false;
    *(*to)++ = *(*at)++;
    return true;
}

/* Takes a word with its quotes. */
static bool take_word(const char **at, char **to)
{
    char quote = '\0';

    while (**at && (quote || !strchr(" ;|>", **at))) {
        const char c = **at;

        if (c == quote || (!quote && strchr("'\"", c))) {
            quote = quote ? '\0' : c;
            ++*at;
        } else if (!take_part(at, to, quote)) {
            return false;
        }
    }
    *(*to)++ = '\0';
    return !quote;
}

/* Cuts the line into stages. Returns false if it needs a shell. */
static bool cut_line(const char *at, char *to, struct stage *s)
{
    bool names_file = false;

    for (at += strspn(at, " "); *at; at += strspn(at, " ")) {
        char *const word = to;

        if (*at == ';' || *at == '|') {
            if (s->words == 0 || names_file)
                return false;
            s->pipes = *at++ == '|';
            s++;
            if (*at == '|')
                return false;
        } else if (*at == '>') {
            if (s->words == 0 || at[-1] != ' ' || at[1] != ' ')
                return false;
            names_file = true;
            at++;
        } else if (!take_word(&at, &to) || s->words == WORDS_MAX) {
            return false;
        } else if (names_file) {
            if (strcmp(word, "/dev/full") == 0)
                return false;
            s->to = word;
            names_file = false;
        } else {
            s->word[s->words++] = word;
        }
    }
    return s->words > 0 && !names_file;
}

static void write_to(const char *path, struct slice text)
{
    FILE *f = fopen(path, "w");

    FAIL_IF(!f || fwrite(text.ptr, 1, text.len, f) != text.len, "%s", path);
    fclose(f);
}

bool plain_run(const char *line, const char *input, struct buf *out,
               struct buf *err, int *status)
{
    static char words[1 << 16];
    static struct stage stages[STAGES_MAX];
    struct buf text[2];
    struct flow f = { slice_from(input), NULL, err };
    struct stage *s;

    memset(stages, 0, sizeof(stages));
    if (!cut_line(line, words, stages))
        return false;
    for (s = stages; s->words > 0; s++)
        if (program_of(s) == PROGRAMS)
            return false;
    buf_init(&text[0], TEXT_MAX);
    buf_init(&text[1], TEXT_MAX);
    for (s = stages; s->words > 0; s++) {
        struct buf *const own = &text[(s - stages) % 2];

        buf_clear(own);
        f.out = s->pipes || s->to ? own : out;
        *status = programs[program_of(s)].run(s, &f);
        if (s->to)
            write_to(s->to, buf_slice(own));
        f.in = s->pipes ? buf_slice(own) : slice_from(input);
    }
    buf_release(&text[0]);
    buf_release(&text[1]);
    return true;
}
