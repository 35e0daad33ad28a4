/* The rules of single commands, for the table. */
#ifndef TESTS_SYSTEM_MODEL_RULES_H
#define TESTS_SYSTEM_MODEL_RULES_H

#include "model.h"

/* rules_session.c */
rule_fn rule_auth, rule_user, rule_pass, rule_quit, rule_host, rule_help,
    rule_pbsz, rule_prot, rule_opts, rule_type, rule_mode, rule_stru, rule_rest,
    rule_rang, rule_allo, rule_epsv, rule_pasv, rule_abor;

/* rules_names.c */
rule_fn rule_pwd, rule_cwd, rule_cdup, rule_mkd, rule_rmd, rule_dele, rule_rnfr,
    rule_rnto;

/* rules_facts.c */
rule_fn rule_size, rule_mlst, rule_stat, rule_avbl;

/* rules_times.c */
rule_fn rule_mdtm, rule_mfmt, rule_site;

/* rules_sums.c */
rule_fn rule_hash, rule_checksum;

/* rules_data.c */
rule_fn rule_retr, rule_list, rule_stor, rule_appe, rule_stou;

#endif
