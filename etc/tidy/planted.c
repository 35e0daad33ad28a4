/*
 * Faults on purpose: one for each check that .clang-tidy switches on and that
 * finds something in C. A comment names the check that must complain about its
 * line. If one doesn't, clang-tidy's settings or its command are wrong, and
 * "etc/check tidy" fails. No program contains this file.
 */
#include "src/planted.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stdio.h> /* readability-duplicate-include */

struct padded {
    char c;
    int n;
};

#define GREATER(a, b) ((a) > (b) ? (a) : (b))
#define BOTH(x) x++; x++

static void on_signal(int number)
{
    printf("%d\n", number); /* bugprone-signal-handler */
}

static void calls(char *text, int n, int unused) /* misc-unused-parameters */
{
    struct padded one = { 0 }, two = { 0 };

    planted_name(/* third= */ n); /* bugprone-argument-comment */
    signal(SIGTERM, on_signal);
    pthread_kill(pthread_self(), SIGTERM); /* bugprone-bad-signal-to-kill-thread */
    if (posix_fadvise(0, 0, 0, 0) < 0) /* bugprone-posix-return */
        puts("never");
    if (memcmp(&one, &two, 8) == 0) /* bugprone-suspicious-memory-comparison */
        puts("equal");
    memset(text, 4660, 4); /* bugprone-suspicious-memset-usage */
    if (strcmp(text, "a") == 2) /* bugprone-suspicious-string-compare */
        puts("two");
    free(malloc(strlen(text + 1))); /* bugprone-misplaced-operator-in-strlen-in-alloc */
    text = (char *)malloc(strlen(text)) + 1; /* bugprone-misplaced-pointer-arithmetic-in-alloc */
}

static void numbers(const char *text, unsigned char u, int n, long wide)
{
    double ratio = n / 2; /* bugprone-integer-division */
    long product = (long)(n * 2); /* bugprone-misplaced-widening-cast */

    n = wide; /* bugprone-narrowing-conversions */
    n = product + (long)ratio; /* clang-diagnostic-shorten-64-to-32 */
    n = text[0] == u; /* bugprone-signed-char-misuse */
    for (char c = 0; c < wide; c++) /* bugprone-too-small-loop-variable */
        n = GREATER(n++, n); /* bugprone-macro-repeated-side-effects */
    if (n == n) /* misc-redundant-expression */
        puts("always");
}

static void branches(bool flag, int i, int n)
{
    while (i < 10) /* bugprone-infinite-loop */
        n++;
    if (n)
        BOTH(n); /* bugprone-multiple-statement-macro */
    if (n > 3); /* bugprone-suspicious-semicolon */
        n = 2;
    do {
        if (n > 0)
            continue; /* bugprone-terminating-continue */
    } while (false);
    if (i)
        n = 3;
        n = 4; /* readability-misleading-indentation */
    if (flag) {
        i = 2;
        if (flag) /* bugprone-redundant-branch-condition */
            i++;
    }
}

static int tangled(int n) /* readability-function-cognitive-complexity */
{
    for (int a = 0; a < n; a++)
        for (int b = 0; b < n; b++)
            for (int c = 0; c < n; c++)
                for (int d = 0; d < n; d++)
                    for (int e = 0; e < n; e++)
                        for (int f = 0; f < n; f++)
                            if (a + b + c > d + e + f)
                                return a;
    return n;
}
