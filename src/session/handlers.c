/* Which function answers which verb. A verb without one must be refused by its
 * row; a test checks that. */
#include "commands.h"

handler_fn *const handlers[VERB_COUNT] = {
    [VERB_AUTH] = cmd_auth,       [VERB_PBSZ] = cmd_pbsz,
    [VERB_PROT] = cmd_prot,       [VERB_USER] = cmd_user,
    [VERB_PASS] = cmd_pass,       [VERB_QUIT] = cmd_quit,
    [VERB_HOST] = cmd_host,       [VERB_FEAT] = cmd_feat,
    [VERB_OPTS] = cmd_opts,       [VERB_SYST] = cmd_syst,
    [VERB_HELP] = cmd_help,       [VERB_NOOP] = cmd_noop,
    [VERB_STAT] = cmd_stat,       [VERB_TYPE] = cmd_type,
    [VERB_MODE] = cmd_mode,       [VERB_STRU] = cmd_stru,
    [VERB_REST] = cmd_rest,       [VERB_ALLO] = cmd_allo,
    [VERB_PWD] = cmd_pwd,         [VERB_CWD] = cmd_cwd,
    [VERB_CDUP] = cmd_cdup,       [VERB_MKD] = cmd_mkd,
    [VERB_RMD] = cmd_rmd,         [VERB_DELE] = cmd_dele,
    [VERB_RNFR] = cmd_rnfr,       [VERB_RNTO] = cmd_rnto,
    [VERB_SIZE] = cmd_size,       [VERB_MDTM] = cmd_mdtm,
    [VERB_MLST] = cmd_mlst,       [VERB_PASV] = cmd_pasv,
    [VERB_PORT] = cmd_port,       [VERB_EPRT] = cmd_eprt,
    [VERB_EPSV] = cmd_epsv,       [VERB_LIST] = cmd_list,
    [VERB_NLST] = cmd_list,       [VERB_MLSD] = cmd_list,
    [VERB_RETR] = cmd_retr,       [VERB_STOR] = cmd_stor,
    [VERB_APPE] = cmd_appe,       [VERB_ABOR] = cmd_abor,
    [VERB_MFMT] = cmd_mfmt,       [VERB_SITE] = cmd_site,
    [VERB_STOU] = cmd_stou,       [VERB_AVBL] = cmd_avbl,
    [VERB_HASH] = cmd_hash,       [VERB_RANG] = cmd_rang,
    [VERB_XCRC] = cmd_xcrc,       [VERB_XSHA256] = cmd_xsha256,
    [VERB_XSHA512] = cmd_xsha512, [VERB_CLNT] = cmd_clnt,
    [VERB_CSID] = cmd_csid,       [VERB_PRET] = cmd_pret,
    [VERB_MFF] = cmd_mff,
};
