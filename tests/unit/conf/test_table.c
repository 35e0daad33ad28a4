/* The table of settings itself. The syntax of a kind contains its words. */
#include "conf.h"

Test(table, rows_are_whole)
{
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];
        size_t len = strlen(row->help);

        cr_expect(row->kind->syntax && row->kind->set, "%s", row->key);
        cr_expect_eq(row->kind->words != NULL, row->kind->word_count > 0);
        for (size_t w = 0; w < row->kind->word_count; w++)
            cr_expect(strstr(row->kind->syntax, row->kind->words[w]), "%s: %s",
                      row->kind->syntax, row->kind->words[w]);
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

/* A line with a key's default changes nothing. */
Test(table, defaults_are_in_range)
{
    for (size_t i = 0; i < setting_count; i++) {
        char text[256];

        if (setting_table[i].keyed)
            continue;
        snprintf(text, sizeof(text), "%s = %s\n", setting_table[i].key,
                 setting_table[i].value);
        parse_well(text);
        cr_expect_str_eq(s.said[i].value, setting_table[i].value, "whole");
    }
}

static const char *retired(const char *key)
{
    struct slice text = slice_from(key);

    return table_retired(&text, SLICE("1"));
}

/* The name of a removed setting isn't used again. */
Test(table, a_retired_key_is_none)
{
    cr_expect_not_null(strstr(retired("active"), "passive mode"));
    cr_expect_not_null(strstr(retired("conflict_name"), "NAME (2).ext"));
    cr_expect_null(retired("on_conflict"));
    cr_expect_null(retired("active2"));
    for (size_t i = 0; i < setting_count; i++)
        cr_expect_null(retired(setting_table[i].key), "%s",
                       setting_table[i].key);
}
