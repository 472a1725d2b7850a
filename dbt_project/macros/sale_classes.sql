{#- An array of double precision. -#}
{% macro numbers(values) -%}
array[{{ values | join(', ') }}]::double precision[]
{%- endmacro %}


{#- In which of the classes between some edges a value is, from 0 on. Null where the value is not known. -#}
{% macro class_of(value, edges) -%}
width_bucket({{ value }}, {{ numbers(edges) }})
{%- endmacro %}
