/* The table of settings itself. */
#include "conf.h"

Test(table, rows_are_whole)
{
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];
        size_t len = strlen(row->help);

        cr_expect_lt(row->type, SETTING_TYPES, "%s", row->key);
        cr_expect_lt(row->offset, sizeof(struct settings), "%s", row->key);
        cr_expect(row->help[len - 1] == '.', "%s", row->key);
        cr_expect_leq(row->min, row->max, "%s", row->key);
        cr_expect_eq(table_find(slice_from(row->key)), row);
        for (size_t j = 0; j < i; j++)
            cr_expect_neq(row->offset, setting_table[j].offset, "%s and %s",
                          row->key, setting_table[j].key);
    }
    cr_expect_null(table_find(SLICE("")));
}

Test(table, types_are_whole)
{
    for (size_t i = 0; i < SETTING_TYPES; i++) {
        cr_expect_not_null(setting_kinds[i].syntax, "%zu", i);
        cr_expect_not_null(setting_kinds[i].set, "%zu", i);
    }
}

/* A line with a key's default changes nothing. */
Test(table, defaults_are_in_range)
{
    for (size_t i = 0; i < setting_count; i++) {
        char text[256];
        struct settings s;
        struct complaint c;

        if (setting_table[i].keyed)
            continue;
        snprintf(text, sizeof(text), "%s = %s\n", setting_table[i].key,
                 setting_table[i].value);
        cr_expect_eq(parse(&s, text, &c), 0, "%s", c.text);
        cr_expect_str_eq(s.said[i].value, setting_table[i].value, "whole");
    }
}

/* The name of a removed setting isn't used again. */
Test(table, a_retired_key_is_none)
{
    cr_expect_str_eq(table_retired(SLICE("ktls")), "");
    cr_expect_not_null(strstr(table_retired(SLICE("xferlog")), "xferlog.jq"));
    cr_expect_not_null(strstr(table_retired(SLICE("metrics_listen")),
                              "enable --now sallyport-metrics.socket"));
    cr_expect_not_null(
        strstr(table_retired(SLICE("tls13_suites")), "tls_suites = aes256"));
    cr_expect_not_null(
        strstr(table_retired(SLICE("uid.keys")), "accounts = 69990"));
    cr_expect_str_eq(table_retired(SLICE("uid.metrics")), "");
    cr_expect_null(table_retired(SLICE("address_refresh2")));
    for (size_t i = 0; i < setting_count; i++)
        cr_expect_null(table_retired(slice_from(setting_table[i].key)), "%s",
                       setting_table[i].key);
}

/* The syntax of a kind contains its words. */
Test(table, words_are_in_the_syntax)
{
    for (size_t i = 0; i < SETTING_TYPES; i++) {
        const struct setting_kind *kind = &setting_kinds[i];

        cr_expect_eq(kind->words != NULL, kind->word_count > 0, "%zu", i);
        for (size_t w = 0; w < kind->word_count; w++)
            cr_expect(strstr(kind->syntax, kind->words[w]), "%s: %s",
                      kind->syntax, kind->words[w]);
    }
}
