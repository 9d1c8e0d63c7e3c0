# For the directories of this project only; programs that use the library choose their own. Options are aggregates whose
# members all have defaults: to name only some of them is how they are meant to be used. GCC's plain -Wshadow also counts
# a constructor's parameter named like the member it initialises.
add_compile_options(
    -Wall -Wextra -Wpedantic -Wconversion -Wold-style-cast -Wextra-semi
    $<IF:$<CXX_COMPILER_ID:GNU>,-Wshadow=local,-Wshadow>
    -Wno-missing-field-initializers
    $<$<BOOL:${STRANDLINE_WARNINGS_AS_ERRORS}>:-Werror>)
