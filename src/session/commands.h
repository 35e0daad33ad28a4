/* The handlers: one for each verb, called by dispatch only. */
#ifndef SALLYPORT_SRC_SESSION_COMMANDS_H
#define SALLYPORT_SRC_SESSION_COMMANDS_H

#include "dispatch.h"
#include "sallyport/ftp/site.h"

handler_fn cmd_auth, cmd_pbsz, cmd_prot, cmd_user, cmd_pass, cmd_quit, cmd_host;
handler_fn cmd_feat, cmd_opts, cmd_syst, cmd_help, cmd_noop, cmd_stat;
handler_fn cmd_type, cmd_mode, cmd_stru, cmd_rest, cmd_allo;
handler_fn cmd_pwd, cmd_cwd, cmd_cdup, cmd_mkd, cmd_rmd, cmd_dele, cmd_rnfr,
    cmd_rnto, cmd_size, cmd_mdtm, cmd_mlst;
handler_fn cmd_pasv, cmd_epsv, cmd_port, cmd_eprt, cmd_list, cmd_retr, cmd_stor,
    cmd_appe, cmd_stou, cmd_abor;
handler_fn cmd_mfmt, cmd_mff, cmd_site, cmd_avbl, cmd_clnt, cmd_csid, cmd_pret;
handler_fn cmd_hash, cmd_rang, cmd_xcrc, cmd_xsha256, cmd_xsha512;

/* SIZE in TYPE A: as many bytes as RETR would send. */
handler_fn hash_size;

/* The sub-commands of SITE; the argument is what follows the name. */
handler_fn cmd_site_chmod, cmd_site_utime;
extern handler_fn *const site_handlers[SITE_COUNT];

#endif
