# For the directories of this project only; programs that use the library choose their own.
add_compile_options(
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Wextra-semi
    $<$<BOOL:${STRANDLINE_WARNINGS_AS_ERRORS}>:-Werror>)
