/* Tests the question about a file that exists already: each answer, typed on a
 * terminal, and its effect on later files. */
#include <pty.h>

#include "client/link/link.h"
#include "client/transfer/transfer.h"
#include "support/test.h"

#define DEADLINE_MS 20000

static enum conflict_choice decide(const struct options *o, bool twice,
                                   struct names_file old, struct names_file new)
{
    return names_decide(o, "a\nb", twice, "here", old, new);
}

/* Files that are decided in this order. typed: the answers; shown: a part of
 * the question; NULL: there is no question. */
static const struct {
    bool begin, twice;
    const char *typed[3], *shown;
    struct names_file old, new;
    enum conflict_choice choice;
} rows[] = {
    { .typed = { "s" },
      .shown = "a\\x0ab is here already: (s)kip",
      .new = { 5, 0 },
      .choice = CHOICE_SKIP },
    { .typed = { "r" },
      .shown = "already (5 B): (s)kip",
      .old = { 5, 0 },
      .choice = CHOICE_RENAME },
    { .typed = { "o" },
      .shown = "already (5 B of 1970-01-02 00:00; the new one: 6 B): (s)kip",
      .old = { 5, 86400 },
      .new = { 6, 0 },
      .choice = CHOICE_OVERWRITE },
    { .typed = { "ox", "", "r" },
      .shown = "(0 B of 1970-01-01 00:00",
      .old = { 0, 1 },
      .choice = CHOICE_RENAME },
    { .typed = { "x", "so", "?" },
      .shown = "already: ",
      .choice = CHOICE_SKIP },
    { .typed = { "S" }, .shown = "already: ", .choice = CHOICE_SKIP },
    { .twice = true, .choice = CHOICE_SKIP },
    { true, false, { "R" }, "already: ", .choice = CHOICE_RENAME },
    { .twice = true, .choice = CHOICE_RENAME },
    { true, false, { "O" }, "already: ", .choice = CHOICE_OVERWRITE },
    { .choice = CHOICE_OVERWRITE },
    { false, true, { "s" }, "already: ", .choice = CHOICE_SKIP },
    { .choice = CHOICE_OVERWRITE },
    { true,
      false,
      { "q" },
      "(q)uit; S, R, O for all? ",
      .choice = CHOICE_SKIP },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Returns 0; the number, from 1, of the row with another decision; 100 to 102:
 * another check failed. */
static int decide_rows(void)
{
    const struct options o = { 0 }, json = { .json = true },
                         skip = { .conflict = CHOICE_SKIP };

    if (!names_asks(&o) || names_asks(&json) || names_asks(&skip) ||
        !names_can_ask(&skip) ||
        decide(&json, false, rows[0].old, rows[0].new) != CHOICE_RENAME)
        return 100;
    for (size_t i = 0; i < ROWS; i++) {
        if (link_interrupted)
            return 101;
        if (rows[i].begin)
            names_release();
        if (decide(&o, rows[i].twice, rows[i].old, rows[i].new) !=
            rows[i].choice)
            return (int)i + 1;
    }
    return link_interrupted ? 0 : 102;
}

/* Reads to the end of the next question. Returns false at the end of the
 * output. */
static bool await_question(int terminal, char seen[4096])
{
    size_t len = 0;

    for (seen[0] = '\0'; !strstr(seen, "for all? ");) {
        struct pollfd p = { .fd = terminal, .events = POLLIN };
        ssize_t n;

        cr_assert_eq(poll(&p, 1, DEADLINE_MS), 1, "nothing after %s", seen);
        n = read(terminal, seen + len, 4095 - len);
        if (n <= 0)
            return false;
        len += (size_t)n;
        seen[len] = '\0';
    }
    return true;
}

static void type_rows(int terminal)
{
    char seen[4096];

    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < 3 && rows[i].typed[k]; k++) {
            if (!await_question(terminal, seen))
                return;
            cr_expect(strstr(seen, rows[i].shown), "row %zu: %s", i, seen);
            dprintf(terminal, "%s\n", rows[i].typed[k]);
        }
    cr_expect_not(await_question(terminal, seen), "one more: %s", seen);
}

Test(questions, each_answer_of_a_conflict, .timeout = 100)
{
    int terminal, status;
    pid_t pid;

    fflush(NULL);
    pid = forkpty(&terminal, NULL, NULL, NULL);
    cr_assert_geq(pid, 0);
    if (pid == 0)
        _exit(decide_rows());
    type_rows(terminal);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "row %d",
              WEXITSTATUS(status));
    close(terminal);
}
