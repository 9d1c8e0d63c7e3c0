# For the directories of this project only; programs that use the library choose their own. Options are aggregates whose
# members all have defaults: to name only some of them is how they are meant to be used.
add_compile_options(
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Wextra-semi
    -Wno-missing-field-initializers
    $<$<BOOL:${STRANDLINE_WARNINGS_AS_ERRORS}>:-Werror>)
