/* Plays the transcripts of a server and its administrator. Each file has a
 * server of its own. */
#include "transcript.h"

TRANSCRIPTS(server_transcripts, "server", 600, transcript_play_alone);
