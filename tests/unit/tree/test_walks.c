/* docs/walks.md follows commands and a reload through the processes, one
 * function per line. Each function is defined in the file that the line names,
 * and no walk has more than forty steps. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define STEPS_MAX 40
#define STEPS_MIN 10

/* Does this line begin a definition of NAME: at the left edge, after its type,
 * without a declaration's end? */
static bool defines(const char *line, const char *name)
{
    size_t len = strlen(name);

    if (line[0] == ' ' || line[0] == '\t' || line[0] == '#' || line[0] == '/' ||
        strstr(line, ";"))
        return false;
    for (const char *at = strstr(line, name); at; at = strstr(at + 1, name))
        if (at > line && (at[-1] == ' ' || at[-1] == '*') && at[len] == '(')
            return true;
    return false;
}

static bool has_function(const char *file, const char *name)
{
    char path[1024], line[1024];
    bool found = false;
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", SOURCE_DIR, file);
    f = fopen(path, "r");
    if (!f)
        return false;
    while (!found && fgets(line, sizeof(line), f))
        found = defines(line, name);
    fclose(f);
    return found;
}

/* Checks "    process  file  function  what it does". */
static void check_step(const char *line)
{
    char process[32], file[128], function[64], first[8];

    cr_assert_eq(
        sscanf(line, " %31s %127s %63s %7s", process, file, function, first), 4,
        "not four words: %s", line);
    cr_expect(has_function(file, function), "%s has no function %s", file,
              function);
}

Test(walks, each_function_is_where_they_say, .timeout = 60)
{
    static const char *const wanted[] = { "STOR", "RETR", "PASS", "reload" };
    const size_t walks = sizeof(wanted) / sizeof(wanted[0]);
    unsigned steps[sizeof(wanted) / sizeof(wanted[0])] = { 0 };
    char line[512];
    size_t walk = walks;
    FILE *f = fopen(SOURCE_DIR "/docs/walks.md", "r");

    cr_assert_not_null(f);
    while (fgets(line, sizeof(line), f)) {
        if (line[0] == '#')
            for (walk = 0; walk < walks && !strstr(line, wanted[walk]); walk++)
                ;
        if (strncmp(line, "    ", 4) != 0)
            continue;
        cr_assert_lt(walk, walks, "a step of no walk: %s", line);
        check_step(line);
        steps[walk]++;
    }
    fclose(f);
    for (size_t i = 0; i < walks; i++) {
        cr_expect_leq(steps[i], STEPS_MAX, "%s has %u steps", wanted[i],
                      steps[i]);
        cr_expect_geq(steps[i], STEPS_MIN, "%s has %u steps: is it read?",
                      wanted[i], steps[i]);
    }
}

Test(walks, what_defines)
{
    cr_expect(defines("static int a_b(struct c *c)\n", "a_b"));
    cr_expect(defines("void *a_b(void)\n", "a_b"));
    cr_expect_not(defines("int a_b(void);\n", "a_b"));
    cr_expect_not(defines("    a_b(c)\n", "a_b"));
    cr_expect_not(defines("static int x_a_b(int c)\n", "a_b"));
    cr_expect_not(defines("static int a_bc(int c)\n", "a_b"));
}
