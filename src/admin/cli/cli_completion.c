/* See cli_completion.h. What there is to complete is read from the usage of each command (usage.h). */
#include "admin/cli/cli_completion.h"

#include <stdio.h>
#include <string.h>

#include "admin/cli/cli.h"
#include "admin/cli/usage.h"
#include "base/arena.h"
#include "base/buf.h"
#include "connector/connector.h"
#include "core/words.h"

/* ---- what may stand there ---- */

static const char *join_words(struct arena *a, const char *(*word_of)(int n), int first)
{
	const char *all = "", *word;
	int n;

	for (n = first; strcmp(word = word_of(n), "?") != 0; n++)
		all = arena_printf(a, "%s%s%s", all, *all != '\0' ? " " : "", word);
	return all;
}

static const char *platforms(struct arena *a)
{
	const struct connector *const *c;
	const char *all = "";

	for (c = connector_all(); *c != NULL; c++)
		all = arena_printf(a, "%s%s%s", all, *all != '\0' ? " " : "", (*c)->name);
	return all;
}

/* The words that a value or operand may be, with blanks between; NULL: nobody knows them. */
static const char *words_for(struct arena *a, const char *value)
{
	char *words;
	size_t i;

	if (value == NULL)
		return NULL;
	if (strcmp(value, "STEP") == 0)
		return join_words(a, step_word, STEP_NONE + 1);
	if (strcmp(value, "REASON") == 0)
		return join_words(a, reason_word, REASON_NONE + 1);
	if (strcmp(value, "PLATFORM") == 0)
		return platforms(a);
	if (strcmp(value, "LEVEL") == 0)
		return "error warn info debug";
	if (strchr(value, '|') == NULL)
		return NULL;
	words = arena_strdup(a, value);
	for (i = 0; words[i] != '\0'; i++)
		if (words[i] == '|')
			words[i] = ' ';
	return words;
}

static bool is_file(const char *value)
{
	static const char *const files[] = { "FILE", "DIR", "PATH", "BODY" };
	size_t i;

	for (i = 0; value != NULL && i < sizeof(files) / sizeof(files[0]); i++)
		if (strcmp(value, files[i]) == 0)
			return true;
	return false;
}

static const char *all_words(struct arena *a, const struct usage *u)
{
	const char *all = "", *operands = words_for(a, u->operand);
	size_t i;

	for (i = 0; i < u->nverbs; i++)
		all = arena_printf(a, "%s%s ", all, u->verbs[i]);
	for (i = 0; i < u->noptions; i++)
		all = arena_printf(a, "%s%s ", all, u->options[i].name);
	return arena_printf(a, "%s%s", all, operands != NULL ? operands : "");
}

/* ---- bash and zsh: a case for each value, and one for each command ---- */

static void put_values(struct arena *a, struct buf *out, const char *command, const struct usage *u)
{
	const char *words;
	size_t i;

	for (i = 0; i < u->noptions; i++) {
		if (u->options[i].value == NULL)
			continue;
		words = words_for(a, u->options[i].value);
		buf_addf(out, "\t%s\" %s\")", command != NULL ? command : "*", u->options[i].name);
		if (words != NULL)
			buf_addf(out, " list=\"%s\" ;;\n", words);
		else
			buf_addf(out, "%s ;;\n", is_file(u->options[i].value) ? " files=1" : "");
	}
}

static void put_cases(struct arena *a, struct buf *out, const struct usage *global)
{
	const struct command *c;
	const char *names = "";
	struct usage u;

	buf_addf(out, "\tcase \"$command $before\" in\n");
	put_values(a, out, NULL, global);
	for (c = commands; c->name != NULL; c++) {
		usage_read(a, c->name, c->usage, &u);
		put_values(a, out, c->name, &u);
		names = arena_printf(a, "%s%s ", names, c->name);
	}
	buf_addf(out, "\t*)\n\t\tcase $command in\n");
	buf_addf(out, "\t\t\"\") list=\"%shelp %s\" ;;\n", names, all_words(a, global));
	buf_addf(out, "\t\thelp) list=\"%s\" ;;\n", names);
	for (c = commands; c->name != NULL; c++) {
		usage_read(a, c->name, c->usage, &u);
		buf_addf(out, "\t\t%s) list=\"%s\"%s ;;\n", c->name, all_words(a, &u),
		    is_file(u.operand) ? " files=1" : "");
	}
	buf_addf(out,
	    "\t\tesac\n"
	    "\t\t[ -z \"$command\" ] || [ \"${word#-}\" = \"$word\" ] || list=\"$list %s\" ;;\n"
	    "\tesac\n",
	    all_words(a, global));
}

/* Global options that take a value, as a pattern of the shell. */
static const char *with_value(struct arena *a, const struct usage *global)
{
	const char *all = "";
	size_t i;

	for (i = 0; i < global->noptions; i++)
		if (global->options[i].value != NULL)
			all = arena_printf(a, "%s%s%s", all, *all != '\0' ? " | " : "",
			    global->options[i].name);
	return all;
}

/* words, at: the shell's own words of the line, and which of them is being written. */
static void put_search(struct arena *a, struct buf *out, const struct usage *global, int first)
{
	buf_addf(out, "\tfor ((i = %d; i < at; i++)); do\n", first);
	buf_addf(out,
	    "\t\tone=${line[i]}\n"
	    "\t\tif [ -n \"$skip\" ]; then\n"
	    "\t\t\t[ \"$one\" = = ] || skip=\n"
	    "\t\t\tcontinue\n"
	    "\t\tfi\n"
	    "\t\tcase $one in\n");
	buf_addf(out, "\t\t%s) skip=1 ;;\n", with_value(a, global));
	buf_addf(out,
	    "\t\t-* | =) ;;\n"
	    "\t\t*) command=$one; break ;;\n"
	    "\t\tesac\n"
	    "\tdone\n");
}

static void write_bash(struct arena *a, struct buf *out, const struct usage *global)
{
	buf_addf(out,
	    "# Made by: tieline completion bash. Read it from ~/.bashrc, or put it into\n"
	    "# /usr/share/bash-completion/completions/tieline.\n"
	    "_tieline()\n{\n"
	    "\tlocal line=(\"${COMP_WORDS[@]}\") at=$COMP_CWORD one i skip= command= list= files=\n"
	    "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
	    "\t# --name=value is three words to bash.\n"
	    "\tif [ \"$word\" = = ]; then\n\t\tword=\n"
	    "\telif [ \"$before\" = = ]; then\n"
	    "\t\tbefore=${COMP_WORDS[COMP_CWORD - 2]}\n\tfi\n");
	put_search(a, out, global, 1);
	put_cases(a, out, global);
	buf_addf(out,
	    "\tCOMPREPLY=($(compgen -W \"$list\" -- \"$word\"))\n"
	    "\t[ -z \"$files\" ] || COMPREPLY+=($(compgen -f -- \"$word\"))\n"
	    "}\n"
	    "complete -o filenames -F _tieline tieline\n");
}

static void write_zsh(struct arena *a, struct buf *out, const struct usage *global)
{
	buf_addf(out,
	    "#compdef tieline\n"
	    "# Made by: tieline completion zsh. Put it as _tieline into a folder of $fpath.\n"
	    "_tieline()\n{\n"
	    "\tlocal -a line\n"
	    "\tline=(\"${words[@]}\")\n"
	    "\tlocal at=$CURRENT one i skip= command= list= files=\n"
	    "\tlocal word=${words[CURRENT]} before=${words[CURRENT-1]}\n"
	    "\tcase $word in\n"
	    "\t--*=*) before=${word%%%%=*}; compset -P '*=' ;;\n"
	    "\tesac\n");
	put_search(a, out, global, 2);
	put_cases(a, out, global);
	buf_addf(out,
	    "\tcompadd -- ${=list}\n"
	    "\t[ -z \"$files\" ] || _files\n"
	    "}\n"
	    "if [ \"$funcstack[1]\" = _tieline ]; then\n\t_tieline \"$@\"\nelse\n"
	    "\tcompdef _tieline tieline\nfi\n");
}

/* ---- fish: a line for each word ---- */

static void put_fish_option(struct arena *a, struct buf *out, const char *when,
    const struct usage_option *o)
{
	const char *words = words_for(a, o->value);
	bool is_long = strncmp(o->name, "--", 2) == 0;

	buf_addf(out, "complete -c tieline%s -%c %s", when, is_long ? 'l' : 's',
	    o->name + (is_long ? 2 : 1));
	if (words != NULL)
		buf_addf(out, " -x -a '%s'", words);
	else if (o->value != NULL)
		buf_addf(out, "%s", is_file(o->value) ? " -r -F" : " -x");
	buf_addf(out, "\n");
}

static void put_fish_command(struct arena *a, struct buf *out, const struct command *c)
{
	const char *when = arena_printf(a, " -n '__fish_seen_subcommand_from %s'", c->name);
	const char *operands;
	struct usage u;
	size_t i;

	usage_read(a, c->name, c->usage, &u);
	for (i = 0; i < u.noptions; i++)
		put_fish_option(a, out, when, &u.options[i]);
	for (i = 0; i < u.nverbs; i++)
		buf_addf(out, "complete -c tieline%s -a %s\n", when, u.verbs[i]);
	operands = words_for(a, u.operand);
	if (operands != NULL)
		buf_addf(out, "complete -c tieline%s -a '%s'\n", when, operands);
	if (is_file(u.operand))
		buf_addf(out, "complete -c tieline%s -F\n", when);
}

/* A text between the marks of fish. */
static const char *quoted(struct arena *a, const char *text)
{
	char *out = arena_alloc(a, 2 * strlen(text) + 1);
	size_t n = 0;

	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			out[n++] = '\\';
		out[n++] = *text;
	}
	out[n] = '\0';
	return out;
}

static void write_fish(struct arena *a, struct buf *out, const struct usage *global)
{
	const struct command *c;
	size_t i;

	buf_addf(out,
	    "# Made by: tieline completion fish. Put it into ~/.config/fish/completions/tieline.fish.\n"
	    "complete -c tieline -f\n");
	for (i = 0; i < global->noptions; i++)
		put_fish_option(a, out, "", &global->options[i]);
	for (c = commands; c->name != NULL; c++)
		buf_addf(out, "complete -c tieline -n __fish_use_subcommand -a %s -d '%s'\n",
		    c->name, quoted(a, c->summary));
	for (c = commands; c->name != NULL; c++)
		put_fish_command(a, out, c);
}

/* ---- the command ---- */

int cli_completion(struct cli *cli)
{
	static const struct {
		const char *shell;
		void (*write)(struct arena *a, struct buf *out, const struct usage *global);
	} shells[] = { { "bash", write_bash }, { "zsh", write_zsh }, { "fish", write_fish } };
	struct arena *a = arena_new();
	struct usage global;
	struct buf out;
	int code = EXIT_USAGE_WRONG;
	size_t i;

	usage_read(a, "", cli_global_usage, &global);
	for (i = 0; cli->argc == 2 && i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (strcmp(cli->argv[1], shells[i].shell) != 0)
			continue;
		buf_init(&out);
		shells[i].write(a, &out, &global);
		fputs(out.data, stdout);
		buf_fini(&out);
		code = EXIT_DONE;
	}
	arena_free(a);
	if (code == EXIT_DONE)
		return code;
	return cli->argc == 2 && cli->argv[1][0] == '-'
	    ? cli_unknown(cli, cli->argv[1])
	    : cli_usage(cli, "which shell? bash, zsh or fish");
}
