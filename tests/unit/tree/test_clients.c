/* docs/clients.md names no setting that the client's own test doesn't use: each
 * `word` of a section is in a file that its heading names. */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#define SCRIPT_MAX (64 * 1024)

static char script[SCRIPT_MAX];

static size_t read_file(const char *path, char *into, size_t room)
{
    FILE *f = fopen(path, "r");
    size_t n;

    cr_assert(f, "%s", path);
    n = fread(into, 1, room - 1, f);
    cr_assert(feof(f), "%s is too long", path);
    fclose(f);
    into[n] = '\0';
    return n;
}

/* Reads all files of "## Name: tests/system/clients/NAME.*", one after the
 * other. */
static void read_scripts(const char *heading)
{
    const char *path = strstr(heading, "tests/");
    char pattern[1024];
    glob_t found;
    size_t len = 0;

    cr_assert(path, "no script in: %s", heading);
    snprintf(pattern, sizeof(pattern), "%s/%.*s", SOURCE_DIR,
             (int)strcspn(path, "\n"), path);
    cr_assert_eq(glob(pattern, 0, NULL, &found), 0, "%s", pattern);
    for (size_t i = 0; i < found.gl_pathc; i++)
        len += read_file(found.gl_pathv[i], script + len, SCRIPT_MAX - len);
    globfree(&found);
}

static unsigned check_words(const char *line)
{
    unsigned words = 0;

    for (const char *at = line; (at = strchr(at, '`')); words++) {
        char word[256];
        size_t len = strcspn(++at, "`");

        cr_assert(at[len] == '`' && len < sizeof(word), "%s", line);
        memcpy(word, at, len);
        word[len] = '\0';
        cr_expect(strstr(script, word), "no test has `%s`", word);
        at += len + 1;
    }
    return words;
}

Test(clients, each_setting_is_tested)
{
    unsigned words = 0, sections = 0;
    char line[4096];
    FILE *f = fopen(SOURCE_DIR "/docs/clients.md", "r");

    cr_assert(f);
    while (fgets(line, sizeof(line), f)) {
        if (strncmp(line, "## ", 3) == 0) {
            read_scripts(line);
            sections++;
        } else if (sections > 0) {
            words += check_words(line);
        }
    }
    fclose(f);
    cr_assert(sections >= 9 && words >= 40, "%u, %u: is it read?", sections,
              words);
}
