/* Plays the transcripts of the client with a real server. */
#include "transcript.h"

TRANSCRIPTS(client_transcripts, "client", 900, transcript_play_client);
